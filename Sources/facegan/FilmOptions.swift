import ArgumentParser
import Synthesis

/// Films through seeds or latents.
struct FilmOptions: ParsableArguments {
    @Flag(
        help:
            "Write a film through the seeds or latents: animated PNG, or mp4 (through ffmpeg) if --out ends in .mp4."
    )
    var interpolate = false

    @Option(parsing: .unconditional, help: "Frames of a film from one seed to the next.")
    var frames = 24

    @Option(
        help: ArgumentHelp(
            """
            Curve of a film: linear or cubic in w (in z for a generator without w), or slerp (great circles in z). \
            (default: linear for a style generator, otherwise slerp)
            """))
    var curve: FilmPath.Curve?

    @Flag(
        name: .customLong("open"),
        help: "End the film at the last seed, in place of a return to the first one.")
    var isOpen = false

    func validate() throws {
        try NumberRange.check("--frames", frames, 1...100_000)
        guard interpolate || (curve == nil && !isOpen) else {
            throw ValidationError("--curve and --open require --interpolate.")
        }
    }

    var path: FilmPath { FilmPath(curve, isClosed: !isOpen) }
}

extension FilmPath.Curve: ExpressibleByArgument {}
