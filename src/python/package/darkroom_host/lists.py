"""Choices that come from folders, for native nodes that Python asks what they take."""
import os

import folder_paths


def choices(kind, argument):
    """`kind` "models": names of a model folder, or of several ("ddcolor,upscale_models"); "input": files of the input folder, of the content types in `argument` ("image,video", an ending ".latent", "" for all)."""
    if kind == "models":
        return [name for folder in argument.split(",") for name in folder_paths.get_filename_list(folder)]
    folder = folder_paths.get_input_directory()
    files = sorted(name for name in os.listdir(folder) if os.path.isfile(os.path.join(folder, name))) if os.path.isdir(folder) else []
    if argument.startswith("."):
        return [name for name in files if name.endswith(argument)]
    return folder_paths.filter_files_content_types(files, argument.split(",")) if argument else files
