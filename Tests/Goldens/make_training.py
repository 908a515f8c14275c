"""Creates Tests/Goldens/Training: event files that are encoded by TensorBoard's protocol buffers.

    pip install tensorboard
    python Tests/Goldens/make_training.py

The output does not depend on time or random numbers.
"""

import pathlib
import struct

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow as record_format

HERE = pathlib.Path(__file__).parent / "Training"


def masked(data):
    return struct.pack("<I", record_format.masked_crc32c(data))


def framed(event):
    data = event.SerializeToString(deterministic=True)
    header = struct.pack("<Q", len(data))
    return header + masked(header) + data + masked(data)


def image(tag, png, width, height):
    picture = summary_pb2.Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
    return summary_pb2.Summary.Value(tag=tag, image=picture)


def text(tag, words):
    value = summary_pb2.Summary.Value(tag=tag)
    value.metadata.plugin_data.plugin_name = "text"
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    value.tensor.CopyFrom(tensor_pb2.TensorProto(dtype=7, tensor_shape=shape, string_val=[words.encode()]))
    return value


def events():
    def event(step, **fields):
        return event_pb2.Event(wall_time=1700000000.25, step=step, **fields)

    def summary(step, *values):
        return event(step, summary=summary_pb2.Summary(value=values))

    yield event(0, file_version="brain.Event:2")
    yield event(0, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
    scalars = [("loss/D", 1.0625), ("loss/G", -2.5), ("zero", 0.0), ("big", 3.0e38), ("not", float("nan"))]
    yield summary(1, *(summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars))
    yield summary(300, image("grid", bytes(range(256)), 640, 480))
    yield summary(1 << 40, text("recipe", "# Rezept\n\n人脸"))
    yield event(301, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    (HERE / "events.bin").write_bytes(b"".join(framed(event) for event in events()))
