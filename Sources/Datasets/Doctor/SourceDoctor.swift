import Foundation

/// Looks at every picture of a source and says all that is wrong with it.
public enum SourceDoctor {
    public struct Options: Sendable {
        /// The protocol whose crop must fit every picture; nil to accept every size.
        public var data: DataProtocol?
        /// Whether to look for near-duplicates.
        public var findsNearDuplicates = true
        /// How many threads decode; nil for one a processor.
        public var threads: Int?

        public init() {}
    }

    /// Examines all pictures; never stops at a bad one.
    /// - Parameters:
    ///   - progress: called on the caller's thread with how many of how many pictures are done.
    ///   - found: called on the caller's thread for every bad picture, in order, as soon as it is known.
    ///   - cancelled: asked after every picture.
    /// - Throws: `CancellationError` when cancelled.
    public static func examine(
        _ source: any PictureSource, options: Options = Options(),
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        found: (SourceReport.Bad) -> Void = { _ in },
        cancelled: () -> Bool = { false }
    ) throws -> SourceReport {
        let start = Date()
        let names = source.names
        var report = SourceReport(source: source.name, kind: source.kind, pictureCount: names.count)
        report.damage = source.damage
        var tally = Tally()
        do {
            let data = options.data
            try ParallelReader.run(
                source, indices: Array(0..<names.count), size: data?.drawnSize ?? 128,
                threads: options.threads ?? ProcessInfo.processInfo.activeProcessorCount,
                work: { PictureExamination(name: names[$0], content: $1, protocol: data) },
                deliver: { index, examination in
                    if let problem = examination.problem {
                        let bad = SourceReport.Bad(
                            name: problem.name, kind: problem.kind, reason: problem.reason)
                        report.bad.append(bad)
                        found(bad)
                    }
                    tally.add(examination, index: index)
                    progress(index + 1, names.count)
                    if cancelled() { throw CancellationError() }
                    return true
                })
        } catch let error as CancellationError {
            throw error
        } catch {
            // The archive broke off: what came before it is reported as well.
            report.damage = report.damage ?? "\(error)"
        }
        if let store = (source as? StoreSource)?.store {
            do { try store.verify() } catch { report.damage = "\(error)" }
        }
        for (warning, indices) in tally.warnings {
            report.warnings[warning.rawValue] = indices.map { names[$0] }
        }
        report.exactDuplicates = tally.exactGroups(names: names)
        if options.findsNearDuplicates {
            report.nearDuplicates = tally.nearGroups(names: names, cancelled: cancelled)
        }
        if cancelled() { throw CancellationError() }
        report.sizes = tally.sizeTable()
        report.oddSizes = tally.oddSizes(names: names)
        report.labels = SourceReport.Labels(source)
        report.seconds = Date().timeIntervalSince(start)
        return report
    }
}

extension SourceReport.Labels {
    fileprivate init(_ source: any PictureSource) {
        let labels = source.labels
        attributes = labels.attributes.isEmpty ? 0 : labels.attributeNames.count
        identities = labels.identityCount
        classes = Set(labels.classes.lazy.filter { $0 >= 0 }).count
        for split in DataSplit.allCases {
            let count = labels.splits.lazy.filter { $0 == split.code }.count
            if count > 0 { splits["\(split)"] = count }
        }
        issues = source.labelIssues.map(\.description)
        for issue in source.labelIssues { counts[issue.kind.rawValue, default: 0] += 1 }
    }
}
