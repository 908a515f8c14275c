import Foundation

/// The folder of packed pictures and pretrained weights.
public enum CacheFolder {
    /// `$FACEGAN_CACHE`, else `$XDG_CACHE_HOME/facegan`, else `~/.cache/facegan`.
    public static var path: String {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["FACEGAN_CACHE"], !named.isEmpty { return named }
        if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") { return caches + "/facegan" }
        return NSHomeDirectory() + "/.cache/facegan"
    }
}
