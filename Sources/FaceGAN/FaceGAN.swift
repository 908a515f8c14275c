// `import FaceGAN` gives the whole library.
@_exported import Checkpoints
@_exported import Datasets
@_exported import Evaluation
@_exported import Imaging
@_exported import Metrics
@_exported import Models
@_exported import Objectives
@_exported import Provenance
@_exported import Settings
@_exported import Synthesis
@_exported import Torch
@_exported import TorchNN
@_exported import Training
