import Foundation

/// Examination of every picture of a source.
public enum SourceDoctor {
    /// Options of an examination.
    public struct Options: Sendable {
        /// The protocol whose crop must fit every picture; nil to accept every size. Pictures whose crop is smaller than
        /// the sample are reported; without a protocol, for the default protocol of the source with 64 pixels.
        public var data: DataProtocol?
        /// Whether near-duplicates are searched.
        public var findsNearDuplicates = true
        /// The number of decoding threads; nil for one per processor.
        public var threads: Int?

        /// Creates the default options: every size is accepted, near-duplicates are searched, one thread per
        /// processor.
        public init() {}
    }

    /// Examines all pictures of a source. A bad picture does not end the examination.
    ///
    /// - Parameters:
    ///   - source: the source to examine.
    ///   - options: protocol, search for near-duplicates and number of threads.
    ///   - progress: called on the caller's thread with the number of examined pictures and the total.
    ///   - found: called on the caller's thread for every bad picture, in order, as soon as it is known.
    ///   - cancelled: polled after every picture.
    /// - Returns: the report, including damage of the archive or store as a whole.
    /// - Throws: `CancellationError` if cancelled; `DataError` for a packed store with another protocol than that of the
    ///   options.
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
        report.skipped = source.skipped
        var tally = Tally()
        // Samples of a packed store are not cropped again.
        let data = try options.data.map { try source.applying($0) }
        do {
            let usual = try data ?? source.packedProtocol ?? source.kind.suggestedProtocol(size: 64)
            try ParallelReader.run(
                source, indices: Array(0..<names.count), size: data?.drawnSize ?? 128,
                threads: options.threads ?? ProcessInfo.processInfo.activeProcessorCount,
                work: { PictureExamination(name: names[$0], content: $1, protocol: data, usual: usual) },
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
            // The archive cannot be read further. The pictures before this point remain in the report.
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
        let rows = source.labelIssues.filter { $0.kind == .malformedRow }
        malformed = rows.count
        issues = (rows + source.labelIssues.filter { $0.kind != .malformedRow }).map(\.description)
        for issue in source.labelIssues { counts[issue.kind.rawValue, default: 0] += 1 }
    }
}
