/// A group of settings: a struct with defaults that lists each of its fields once.
///
/// The same list serves reading YAML, writing it, `--set` and the reference table:
///
///     struct Optimizer: SettingsGroup {
///         var learningRate = 2e-4
///         mutating func fields(_ v: inout some FieldVisitor) throws {
///             try v.number("learningRate", &learningRate, in: 0...1, "Step size of Adam.")
///         }
///     }
///
/// A group with variants visits a choice named `kind` or `system` first, then lists the fields of that variant inline.
public protocol SettingsGroup: Sendable {
    init()
    /// Dotted keys of earlier versions and the keys that replace them. Read for the outermost group of a document.
    static var renamedKeys: [String: String] { get }
    /// Visits every field once, in the order in which it is to be written.
    mutating func fields(_ v: inout some FieldVisitor) throws
}

extension SettingsGroup {
    public static var renamedKeys: [String: String] { [:] }
}

/// The keys of choices that decide which other fields a group has.
let variantKeys: Set<String> = ["kind", "system"]

/// A visitor of the fields of a `SettingsGroup`.
///
/// A visitor of a document collects what is wrong instead of throwing at the first problem; a field whose value
/// is wrong keeps its default.
public protocol FieldVisitor {
    /// A finite number in `range` (infinity is accepted as `.inf` where the range ends there).
    mutating func number(
        _ key: String, _ value: inout Double, in range: ClosedRange<Double>, _ help: String) throws
    /// A whole number in `range`; `64.0` and `1e3` count as whole.
    mutating func integer(_ key: String, _ value: inout Int, in range: ClosedRange<Int>, _ help: String)
        throws
    /// `true` or `false`.
    mutating func flag(_ key: String, _ value: inout Bool, _ help: String) throws
    /// Any text.
    mutating func text(_ key: String, _ value: inout String, _ help: String) throws
    /// A list of texts.
    mutating func texts(_ key: String, _ value: inout [String], _ help: String) throws
    /// A list of numbers, each in `range`.
    mutating func numbers(
        _ key: String, _ value: inout [Double], in range: ClosedRange<Double>, _ help: String) throws
    /// A list of whole numbers, each in `range`.
    mutating func integers(
        _ key: String, _ value: inout [Int], in range: ClosedRange<Int>, _ help: String) throws
    /// A number that is the same over a run or follows a schedule; each value in `range`.
    mutating func scheduled(
        _ key: String, _ value: inout Scheduled<Double>, in range: ClosedRange<Double>, _ help: String) throws
    /// One of several names.
    mutating func choice(_ key: String, _ value: inout String, of names: [String], _ help: String) throws
    /// A group inside this one.
    mutating func group<G: SettingsGroup>(_ key: String, _ value: inout G, _ help: String) throws
    /// A list of groups of one type.
    mutating func groups<G: SettingsGroup>(_ key: String, _ value: inout [G], _ help: String) throws
    /// A rule across fields, reported at `key` when it does not hold.
    ///
    /// - Parameter expected: what must hold, to follow the word "expected": `a size that 4 divides`.
    mutating func check(_ ok: Bool, _ key: String, _ expected: String) throws
}

extension FieldVisitor {
    /// One of the raw values of an enumeration.
    public mutating func choice<E: RawRepresentable & CaseIterable & Sendable>(
        _ key: String, _ value: inout E, _ help: String
    ) throws where E.RawValue == String {
        var name = value.rawValue
        try choice(key, &name, of: E.allCases.map(\.rawValue), help)
        if let read = E(rawValue: name) { value = read }
    }
}
