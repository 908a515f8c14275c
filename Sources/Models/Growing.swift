import TorchNN

/// A network that begins with small pictures and takes on layers for larger ones.
public protocol Growing: Module {
    /// Where it stands; whoever trains it moves it.
    var growth: Growth { get set }
}
