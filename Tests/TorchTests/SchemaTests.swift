import Foundation
import TestSupport
import Testing
import Torch

/// Every operator that the sources name exists in the engine, whatever its version.
@Suite struct SchemaTests {
    @Test func everyNamedOperatorExists() throws {
        let sources = URL(fileURLWithPath: packageRoot() + "/Sources")
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var names = Set<String>()
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /\bops?\(\s*"([^"]+)"/) { names.insert(String(match.1)) }
        }
        #expect(names.count > 90)
        #expect(names.filter { !Engine.knows(operator: $0) } == [])
    }

    @Test func schemasAreTold() throws {
        #expect(Engine.schema(of: "relu") == "aten::relu(Tensor self) -> Tensor")
        #expect(try #require(Engine.schema(of: "aten::add.Tensor")).hasPrefix("aten::add.Tensor("))
        for name in ["", "no_such_operator", "add.NoSuchOverload", "nowhere::add", "::", ".", "aten::"] {
            #expect(!Engine.knows(operator: name), "\(name)")
        }
    }
}
