/// The instructions of Python's pickle format, protocols 0 to 5, as far as state dictionaries use them.
/// Names and numbers are those of Python's `pickletools`.
enum PickleOpcode: UInt8 {
    case mark = 0x28, stop = 0x2E, pop = 0x30, popMark = 0x31, duplicate = 0x32
    case float = 0x46, int = 0x49, binInt = 0x4A, binInt1 = 0x4B, long = 0x4C, binInt2 = 0x4D, none = 0x4E
    case binPersistentID = 0x51, reduce = 0x52, binString = 0x54, shortBinString = 0x55
    case unicode = 0x56, binUnicode = 0x58, append = 0x61, build = 0x62, global = 0x63, dictionary = 0x64
    case emptyDictionary = 0x7D, appends = 0x65, get = 0x67, binGet = 0x68, longBinGet = 0x6A
    case list = 0x6C, emptyList = 0x5D, put = 0x70, binPut = 0x71, longBinPut = 0x72
    case setItem = 0x73, tuple = 0x74, emptyTuple = 0x29, setItems = 0x75, binFloat = 0x47
    case binBytes = 0x42, shortBinBytes = 0x43
    case proto = 0x80, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87, newTrue = 0x88, newFalse = 0x89
    case long1 = 0x8A, long4 = 0x8B
    case shortBinUnicode = 0x8C, binUnicode8 = 0x8D, binBytes8 = 0x8E, stackGlobal = 0x93
    case memoize = 0x94, frame = 0x95
}
