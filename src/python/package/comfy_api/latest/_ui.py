"""Results for people: files that were saved, and what the editor shows at a node."""
import random

import folder_paths
from darkroom_host import saving
from darkroom_host.host_modules import rest

from ._io import FolderType, Image

__getattr__ = rest("comfy_api.latest._ui")


class _UIOutput:
    def as_dict(self):
        raise NotImplementedError(type(self).__name__)


class SavedResult(dict):
    """One file: where /view finds it."""

    def __init__(self, filename, subfolder, type):
        super().__init__(filename=filename, subfolder=subfolder, type=getattr(type, "value", type))

    @property
    def filename(self):
        return self["filename"]

    @property
    def subfolder(self):
        return self["subfolder"]

    @property
    def type(self):
        return FolderType(self["type"])


class SavedImages(_UIOutput):
    def __init__(self, results, is_animated=False):
        self.results, self.is_animated = results, is_animated

    def as_dict(self):
        return {"images": list(self.results), **({"animated": (True,)} if self.is_animated else {})}


class SavedAudios(_UIOutput):
    def __init__(self, results):
        self.results = results

    def as_dict(self):
        return {"audio": list(self.results)}


class PreviewText(_UIOutput):
    def __init__(self, value, **_):
        self.value = value

    def as_dict(self):
        return {"text": (self.value,)}


class PreviewImage(_UIOutput):
    """Saves [B,H,W,C] in the temporary folder."""

    def __init__(self, image, animated=False, cls=None, **_):
        mark = "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(5))
        self.values = ImageSaveHelper.save_images(image, f"ComfyUI_temp_{mark}", FolderType.temp, cls, compress_level=1)
        self.animated = animated

    def as_dict(self):
        return {"images": self.values, "animated": (self.animated,)}


class PreviewMask(PreviewImage):
    """Of [B,H,W] or [H,W]."""

    Type = Image.Type

    def __init__(self, mask, animated=False, cls=None, **more):
        grey = mask.reshape((-1, mask.shape[-2], mask.shape[-1], 1)).expand(-1, -1, -1, 3)
        super().__init__(grey, animated, cls, **more)


class PreviewVideo(_UIOutput):
    def __init__(self, values, **_):
        self.values = values

    def as_dict(self):
        return {"images": self.values, "animated": (True,)}


class PreviewUI3D(_UIOutput):
    def __init__(self, model_file, camera_info, **more):
        self.model_file, self.camera_info, self.bg_image_path = model_file, camera_info, more.get("bg_image_path")

    def as_dict(self):
        return {"result": [self.model_file, self.camera_info, self.bg_image_path]}


class PreviewAudio(_UIOutput):
    def __init__(self, audio, cls=None, **_):
        raise NotImplementedError("comfy_api.latest.ui.PreviewAudio is not there in Darkroom: it has no encoder of sound")


class AudioSaveHelper:
    @staticmethod
    def save_audio(audio, filename_prefix, folder_type, cls, format="flac", quality="128k"):
        raise NotImplementedError("comfy_api.latest.ui.AudioSaveHelper.save_audio is not there in Darkroom: it has no encoder of sound")

    get_save_audio_ui = save_audio


def _folder(folder_type):
    return folder_paths.get_directory_by_type(getattr(folder_type, "value", folder_type))


def _texts(cls):
    """What a picture tells of the prompt, by the hidden inputs of the node's class."""
    return {} if cls is None or cls.hidden is None else saving.metadata(cls.hidden.prompt, cls.hidden.extra_pnginfo)


class ImageSaveHelper:
    """`images` [B,H,W,C], values 0 to 1; `cls`: the class of the node, whose prompt goes into the files, or None."""

    @staticmethod
    def save_images(images, filename_prefix, folder_type, cls, compress_level=4):
        kind = getattr(folder_type, "value", folder_type)
        return [SavedResult(**one) for one in saving.save_pngs(images, filename_prefix, _folder(folder_type), kind, _texts(cls), compress_level)]

    @staticmethod
    def get_save_images_ui(images, filename_prefix, cls, compress_level=4):
        return SavedImages(ImageSaveHelper.save_images(images, filename_prefix, FolderType.output, cls, compress_level))

    @staticmethod
    def save_animated_png(images, filename_prefix, folder_type, cls, fps, compress_level):
        options = {"pnginfo": saving.png_texts(_texts(cls)), "compress_level": compress_level}
        return SavedResult(**saving.save_animation(images, filename_prefix, _folder(folder_type), getattr(folder_type, "value", folder_type), "png", fps, options))

    @staticmethod
    def get_save_animated_png_ui(images, filename_prefix, cls, fps, compress_level):
        return SavedImages([ImageSaveHelper.save_animated_png(images, filename_prefix, FolderType.output, cls, fps, compress_level)], is_animated=len(images) > 1)

    @staticmethod
    def save_animated_webp(images, filename_prefix, folder_type, cls, fps, lossless, quality, method):
        options = {"exif": saving.exif_texts(_texts(cls)), "lossless": lossless, "quality": quality, "method": method}
        return SavedResult(**saving.save_animation(images, filename_prefix, _folder(folder_type), getattr(folder_type, "value", folder_type), "webp", fps, options))

    @staticmethod
    def get_save_animated_webp_ui(images, filename_prefix, cls, fps, lossless, quality, method):
        return SavedImages([ImageSaveHelper.save_animated_webp(images, filename_prefix, FolderType.output, cls, fps, lossless, quality, method)], is_animated=len(images) > 1)
