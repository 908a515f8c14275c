/// A group of settings: a struct with default values that lists each of its fields once.
///
/// Reading and writing of YAML, `--set` and the reference table use the same list:
///
///     struct Optimizer: SettingsGroup {
///         var learningRate = 2e-4
///         mutating func fields(_ v: inout some FieldVisitor) throws {
///             try v.number("learningRate", &learningRate, in: 0...1, "Step size of Adam.")
///         }
///     }
///
/// A group with variants first visits a choice with the key `kind` or `system`, then the fields of the chosen variant.
public protocol SettingsGroup: Sendable {
    /// Creates a group with the default values.
    init()
    /// Dotted keys of earlier versions and their replacements. Only those of the outermost group are used.
    static var renamedKeys: [String: String] { get }
    /// Visits every field once, in the order of the written document.
    /// - Throws: errors of the visitor; an implementation throws no others.
    mutating func fields(_ v: inout some FieldVisitor) throws
}

extension SettingsGroup {
    /// No renamed keys.
    public static var renamedKeys: [String: String] { [:] }
}

/// Keys of the choices that select the variant of a group.
let variantKeys: Set<String> = ["kind", "system"]

/// Visitor of the fields of a `SettingsGroup`.
///
/// Each method visits one field: its key, its value, and the help text, which states effect and unit. The visitor that
/// reads a document collects problems instead of throwing at the first one; a field with a problem keeps its default.
public protocol FieldVisitor {
    /// Number in `range`. Infinity is written `.inf` and accepted if the range includes it.
    mutating func number(
        _ key: String, _ value: inout Double, in range: ClosedRange<Double>, _ help: String) throws
    /// Integer in `range`; `64.0` and `1e3` are accepted.
    mutating func integer(_ key: String, _ value: inout Int, in range: ClosedRange<Int>, _ help: String)
        throws
    /// Flag, `true` or `false`.
    mutating func flag(_ key: String, _ value: inout Bool, _ help: String) throws
    /// Text without restrictions.
    mutating func text(_ key: String, _ value: inout String, _ help: String) throws
    /// List of texts.
    mutating func texts(_ key: String, _ value: inout [String], _ help: String) throws
    /// List of numbers in `range`.
    mutating func numbers(
        _ key: String, _ value: inout [Double], in range: ClosedRange<Double>, _ help: String) throws
    /// List of integers in `range`.
    mutating func integers(
        _ key: String, _ value: inout [Int], in range: ClosedRange<Int>, _ help: String) throws
    /// Number in `range` that is constant or follows a schedule over the run.
    mutating func scheduled(
        _ key: String, _ value: inout Scheduled<Double>, in range: ClosedRange<Double>, _ help: String) throws
    /// One of the given names.
    mutating func choice(_ key: String, _ value: inout String, of names: [String], _ help: String) throws
    /// Nested group.
    mutating func group<G: SettingsGroup>(_ key: String, _ value: inout G, _ help: String) throws
    /// List of groups of one type.
    mutating func groups<G: SettingsGroup>(_ key: String, _ value: inout [G], _ help: String) throws
    /// Rule that involves several fields.
    /// - Parameters:
    ///   - ok: whether the rule holds; if not, the problem is reported at `key`.
    ///   - key: key that the rule concerns.
    ///   - expected: the rule, as it follows the word "expected" in the message: `a size divisible by 4`.
    mutating func check(_ ok: Bool, _ key: String, _ expected: String) throws
}

extension FieldVisitor {
    /// One of the raw values of an enumeration.
    /// - Throws: errors of the visitor.
    public mutating func choice<E: RawRepresentable & CaseIterable & Sendable>(
        _ key: String, _ value: inout E, _ help: String
    ) throws where E.RawValue == String {
        var name = value.rawValue
        try choice(key, &name, of: E.allCases.map(\.rawValue), help)
        if let read = E(rawValue: name) { value = read }
    }
}
