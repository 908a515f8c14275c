"""Pictures and settings of training runs of scripts/gpu-check."""

import json

from common import last_lines


def store(check, side):
    """Packed pictures of a side; packed once."""
    path = check.work / f"pictures-{side}.faces"
    if not path.exists():
        status, text, _, _ = check.ours(
            f"packing {side}", "data", "prepare", check.pictures, "--out", path, "--protocol", f"faces{side}", limit=60)
        if status != 0:
            raise RuntimeError(f"the pictures could not be packed: {last_lines(text)}")
    return path


SMALL = {
    "adversarial": ["resolution=16", "batchSize=8", "generator.maxFilters=8", "generator.latent.size=8",
                    "discriminator.maxFilters=8", "training.previewCount=4"],
}


def settings(recipe, small):
    """Settings of a measurement: no pictures, scores and states during the run."""
    common = ["training.previewKimg=1e6", "training.scoreKimg=0", "training.saveMinutes=10000"]
    if not small:
        return common
    sizes = {
        "progan": ["growth.batchSizes=[8]"],
        "sagan": ["generator.filters=4", "discriminator.filters=4", "generator.attentionSide=8",
                  "discriminator.attentionSide=8"],
        "superres": ["resolution=32", "batchSize=4", "restorer.filters=4", "restorer.blocks=1", "critic.filters=4"],
        "dfl": ["resolution=32", "batchSize=4", "restorer.encoderFilters=2", "restorer.bottleneck=4",
                "restorer.decoderFilters=2", "restorer.halfSide=false", "critic.filters=2", "critic.patchSize=8"],
    }
    if recipe in ("superres", "dfl"):
        return common + sizes[recipe]
    return common + SMALL["adversarial"] + sizes.get(recipe, ["generator.filters=4", "discriminator.filters=4"])


def side_of(recipe, small):
    if small:
        return 32 if recipe in ("superres", "dfl") else 16
    return 128 if recipe in ("superres", "dfl", "progan", "convert", "detail") else 64


def rates(folder):
    """Images per second of each line of a run's log."""
    try:
        lines = (folder / "log.jsonl").read_text().splitlines()
        return [json.loads(line)["machine"]["imagesPerSecond"] for line in lines]
    except (OSError, ValueError, KeyError):
        return []
