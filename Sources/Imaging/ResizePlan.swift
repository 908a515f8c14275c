import CCodecs
import Synchronization

/// The weights of one axis of a resize. Making them costs more than using them once, so that recent ones are kept.
final class ResizePlan: Sendable {
    private struct Key: Equatable {
        let filter: ResizeFilter
        let size: Int
        let from: Double
        let to: Double
        let outSize: Int
    }

    /// Most recent last. Data sets need two or three.
    private static let recent = Mutex<[(key: Key, plan: ResizePlan)]>([])
    private static let kept = 8
    /// Larger plans are made anew each time.
    private static let largestKept = 4096

    /// Never changed after `init`.
    nonisolated(unsafe) let handle: OpaquePointer

    private init(_ key: Key) {
        guard
            let handle = ccodecs_resize_plan(
                key.filter.code, Int32(key.size), key.from, key.to, Int32(key.outSize))
        else { preconditionFailure("out of memory in a resize to \(key.outSize) pixels") }
        self.handle = handle
    }

    deinit { ccodecs_resize_plan_free(handle) }

    /// The plan that turns `from`..<`to` of `size` pixels into `outSize` pixels.
    static func plan(
        _ filter: ResizeFilter, size: Int, from: Double, to: Double, outSize: Int
    ) -> ResizePlan {
        let key = Key(filter: filter, size: size, from: from, to: to, outSize: outSize)
        if let known = recent.withLock({ $0.last { $0.key == key }?.plan }) { return known }
        let plan = ResizePlan(key)
        if max(size, outSize) <= largestKept {
            recent.withLock {
                if $0.count >= kept { $0.removeFirst() }
                $0.append((key, plan))
            }
        }
        return plan
    }
}
