/// Why a command cannot do what was asked, found out while it runs; says what, where and what to do.
///
/// What the arguments alone show is a `ValidationError`, which is followed by the usage.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
