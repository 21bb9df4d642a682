"""Pictures in files: for the classes of packs that derive from SaveImage and change where and how it saves, and for comfy_api.latest.ui."""
import json
import os

import folder_paths

PICTURES = ("SaveImage", "PreviewImage")


def is_changed(saver, name):
    """Does an object derived from the native class `name` save elsewhere than that one does?"""
    own = ("output", folder_paths.get_output_directory(), 4) if name == "SaveImage" else ("temp", folder_paths.get_temp_directory(), 1)
    is_own_prefix = saver.prefix_append == "" if name == "SaveImage" else saver.prefix_append.startswith("_temp_")
    return (saver.type, saver.output_dir, saver.compress_level) != own or not is_own_prefix


def save_images(saver, images, filename_prefix="ComfyUI", prompt=None, extra_pnginfo=None):
    """What SaveImage returns, by the attributes output_dir, type, prefix_append and compress_level of `saver`."""
    saved = save_pngs(images, filename_prefix + saver.prefix_append, saver.output_dir, saver.type, metadata(prompt, extra_pnginfo), saver.compress_level)
    return {"ui": {"images": saved}}


def picture_of(image):
    """A PIL image of a tensor [H,W,C] or [H,W] with values 0 to 1."""
    from PIL import Image

    array = (image.detach().float().cpu() * 255).clamp(0, 255).numpy().astype("uint8")
    return Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array)


def metadata(prompt, extra_pnginfo):
    """{key: JSON text} that goes into a picture; empty with --disable-metadata."""
    from comfy.cli_args import args

    if args.disable_metadata:
        return {}
    told = {} if prompt is None else {"prompt": json.dumps(prompt)}
    return {**told, **{key: json.dumps(value) for key, value in (extra_pnginfo or {}).items()}}


def png_texts(texts):
    """For PIL; None without any."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    return info if texts else None


def exif_texts(texts):
    """For PIL, where ComfyUI's WebP files have them: the prompt as the model of the camera, all else from the maker down."""
    from PIL import Image

    exif, tag = Image.Exif(), 0x010F
    for key, text in texts.items():
        if key == "prompt":
            exif[0x0110] = f"{key}:{text}"
        else:
            exif[tag] = f"{key}:{text}"
            tag -= 1
    return exif


def save_pngs(images, prefix, folder, kind, texts, compress_level):
    """Saves each of [B,H,W,C]; [{"filename", "subfolder", "type"}, ...]."""
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, folder, images[0].shape[1], images[0].shape[0])
    saved = []
    for number, image in enumerate(images):
        file = f"{name.replace('%batch_num%', str(number))}_{counter + number:05}_.png"
        picture_of(image).save(os.path.join(folder, file), pnginfo=png_texts(texts), compress_level=compress_level)
        saved.append({"filename": file, "subfolder": subfolder, "type": kind})
    return saved


def save_animation(images, prefix, folder, kind, ending, fps, options):
    """Saves [B,H,W,C] as one file; {"filename", "subfolder", "type"}."""
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, folder, images[0].shape[1], images[0].shape[0])
    first, *others = [picture_of(image) for image in images]
    file = f"{name}_{counter:05}_.{ending}"
    first.save(os.path.join(folder, file), save_all=True, append_images=others, duration=int(1000 / fps), **options)
    return {"filename": file, "subfolder": subfolder, "type": kind}
