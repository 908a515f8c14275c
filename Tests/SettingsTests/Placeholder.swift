import Testing

@Test func placeholder() { #expect(Bool(exactly: 1) == true) }
