import Files
import TestSupport
import Testing

/// Expects a `FileError` whose text names the file and contains `text`.
func expectError(
    _ path: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("no error; expected \"\(text)\"", sourceLocation: sourceLocation)
    } catch let error as FileError {
        #expect(error.path == path, sourceLocation: sourceLocation)
        #expect(error.description.contains(text), sourceLocation: sourceLocation)
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
}
