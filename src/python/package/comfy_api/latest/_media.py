"""Names of what flows, for annotations; parts of videos and of 3D."""
import abc
import dataclasses
import enum
import typing

from darkroom_host.absent import absent


class AudioInput(dict):
    """{"waveform": [B,C,T], "sample_rate"}"""


class LatentInput(dict):
    """{"samples": [B,C,h,w]}"""


class VideoInput(abc.ABC):
    @abc.abstractmethod
    def get_components(self):
        """VideoComponents."""

    @abc.abstractmethod
    def save_to(self, path, format=None, codec=None, metadata=None):
        """Writes a file."""

    def get_stream_source(self):
        raise NotImplementedError(f"{type(self).__name__}.get_stream_source")

    def get_dimensions(self):
        """(width, height)"""
        images = self.get_components().images
        return images.shape[2], images.shape[1]

    def get_duration(self):
        """Seconds."""
        components = self.get_components()
        return float(components.images.shape[0] / components.frame_rate)

    def get_frame_count(self):
        return int(self.get_components().images.shape[0])

    def get_frame_rate(self):
        return self.get_components().frame_rate


class _Chosen(str, enum.Enum):
    @classmethod
    def as_input(cls):
        return [one.value for one in cls]


class VideoCodec(_Chosen):
    AUTO = "auto"
    H264 = "h264"


class VideoContainer(_Chosen):
    AUTO = "auto"
    MP4 = "mp4"

    @classmethod
    def get_extension(cls, value):
        return "mp4"


@dataclasses.dataclass
class VideoComponents:
    """Frames [T,H,W,3], values 0 to 1; frames a second as a Fraction."""

    images: typing.Any
    frame_rate: typing.Any
    audio: typing.Any = None
    metadata: typing.Any = None


class VideoFromComponents(VideoInput):
    def __init__(self, components):
        self._components = components

    def get_components(self):
        return self._components

    def save_to(self, path, format=VideoContainer.AUTO, codec=VideoCodec.AUTO, metadata=None):
        raise NotImplementedError("comfy_api.latest.InputImpl.VideoFromComponents.save_to is not there in Darkroom: it has no encoder of videos")


class MESH:
    def __init__(self, vertices, faces):
        self.vertices, self.faces = vertices, faces


class VOXEL:
    def __init__(self, data):
        self.data = data


class Input:
    Image = Mask = typing.Any
    Audio, Latent, Video = AudioInput, LatentInput, VideoInput


class InputImpl:
    VideoFromFile = absent("comfy_api.latest.InputImpl.VideoFromFile")
    VideoFromComponents = VideoFromComponents


class Types:
    VideoCodec, VideoContainer, VideoComponents, MESH, VOXEL = VideoCodec, VideoContainer, VideoComponents, MESH, VOXEL
