"""Where files lie: the folders of the server, lists of models and of pictures."""
import mimetypes
import os
import threading
import time

import _darkroom
from darkroom_host import current
from darkroom_host.host_modules import rest

__getattr__ = rest("folder_paths")

supported_pt_extensions = {".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"}
folder_names_and_paths = {}  # key -> ([folders], {endings})
base_path = models_dir = ""
output_directory = temp_directory = input_directory = user_directory = ""
filename_list_cache = {}
extension_mimetypes_cache = {"webp": "image", "fbx": "model", "glb": "model", "gltf": "model", "obj": "model", "stl": "model"}
_LEGACY = {"unet": "diffusion_models", "clip": "text_encoders"}


def use(folders):
    """`folders`: what the server was started with."""
    global base_path, models_dir, output_directory, temp_directory, input_directory, user_directory
    base_path = folders["base"]
    models_dir = os.path.join(base_path, "models")
    output_directory, temp_directory, input_directory, user_directory = (folders[key] for key in ("output", "temp", "input", "user"))
    folder_names_and_paths.clear()
    for folder in folders["models"]:
        endings = {"folder"} if folder["folders_only"] else set(folder["extensions"])
        folder_names_and_paths[folder["key"]] = (list(folder["paths"]), endings)


_of_job = {}  # kind of folder -> that of the user whose job runs, where it is another than the server's
_job_thread = None


def enter(folders):
    """A job is about to run on this thread whose files lie in `folders`: {"input", "output", "temp"}."""
    global _job_thread
    _job_thread = threading.get_ident()
    own = {"input": input_directory, "output": output_directory, "temp": temp_directory}
    _of_job.clear()
    _of_job.update((kind, folder) for kind, folder in folders.items() if folder != own[kind])


def _of_job_here(kind):
    """That of the job whose code asks, also where the job has ended; handlers of routes and questions about inputs belong to none."""
    if current.number() > 0:
        return _darkroom.folder(current.number(), kind)
    return _of_job.get(kind) if current.number() == 0 and threading.get_ident() == _job_thread else None


def of_a_user():
    """Is the job that runs, or ran last, one whose files are not those of the server's other users?"""
    return bool(_of_job)


def map_legacy(folder_name):
    return _LEGACY.get(folder_name, folder_name)


# ---- the folders

def get_output_directory():
    return _of_job_here("output") or output_directory


def get_temp_directory():
    return _of_job_here("temp") or temp_directory


def get_input_directory():
    return _of_job_here("input") or input_directory


def get_user_directory():
    return user_directory


def get_system_user_directory(name="system"):
    return os.path.join(user_directory, f"__{name}")


def get_public_user_directory(user_id):
    return os.path.join(user_directory, user_id) if user_id and not user_id.startswith("__") else None


def set_output_directory(output_dir):
    global output_directory
    output_directory = output_dir


def set_temp_directory(temp_dir):
    global temp_directory
    temp_directory = temp_dir


def set_input_directory(input_dir):
    global input_directory
    input_directory = input_dir


def set_user_directory(user_dir):
    global user_directory
    user_directory = user_dir


def get_directory_by_type(type_name):
    return {"output": get_output_directory, "temp": get_temp_directory, "input": get_input_directory}.get(type_name, lambda: None)()


def get_input_subfolders():
    found = []
    top = get_input_directory()
    for root, folders, _ in os.walk(top):
        found += [os.path.relpath(os.path.join(root, name), top).replace(os.sep, "/") for name in folders]
    return sorted(found)


# ---- names with a folder behind them: "picture.png [output]"

def annotated_filepath(name):
    for kind in ("output", "input", "temp"):
        if name.endswith(f"[{kind}]"):
            return name[:-len(kind) - 3] if name.endswith(f" [{kind}]") else name[:-len(kind) - 2], get_directory_by_type(kind)
    return name, None


def get_annotated_filepath(name, default_dir=None):
    name, folder = annotated_filepath(name)
    if folder is None:
        folder = get_input_directory() if default_dir is None else default_dir
    path = os.path.abspath(os.path.join(folder, name))
    if os.path.commonpath((os.path.abspath(folder), path)) != os.path.abspath(folder):
        raise ValueError(f"{name} lies outside of its folder")
    return path


def exists_annotated_filepath(name):
    try:
        return os.path.exists(get_annotated_filepath(name))
    except ValueError:
        return False


# ---- models

def add_model_folder_path(folder_name, full_folder_path, is_default=False):
    folder_name = map_legacy(folder_name)
    paths, _ = folder_names_and_paths.setdefault(folder_name, ([], set()))
    if full_folder_path in paths:
        if is_default and paths[0] != full_folder_path:
            paths.remove(full_folder_path)
            paths.insert(0, full_folder_path)
    elif is_default:
        paths.insert(0, full_folder_path)
    else:
        paths.append(full_folder_path)


def get_folder_paths(folder_name):
    return folder_names_and_paths[map_legacy(folder_name)][0][:]


def recursive_search(directory, excluded_dir_names=None):
    """(relative paths of all files, {folder: its time})."""
    if not os.path.isdir(directory):
        return [], {}
    excluded = excluded_dir_names or []
    files, times = [], {directory: os.path.getmtime(directory)}
    for root, folders, names in os.walk(directory, followlinks=True):
        folders[:] = [name for name in folders if name not in excluded]
        files += [os.path.relpath(os.path.join(root, name), directory) for name in names]
        times.update((os.path.join(root, name), os.path.getmtime(os.path.join(root, name))) for name in folders)
    return files, times


def filter_files_extensions(files, extensions):
    return sorted(name for name in files if not extensions or os.path.splitext(name)[-1].lower() in extensions or "folder" in extensions)


def filter_files_content_types(files, content_types):
    """Those whose content type begins with one of "image", "video", "audio", "model"."""
    kept = []
    for file in files:
        ending = file.rsplit(".", 1)[-1]
        if ending not in extension_mimetypes_cache:
            kind, _ = mimetypes.guess_type(file, strict=False)
            if not kind:
                continue
            extension_mimetypes_cache[ending] = kind.split("/")[0]
        if extension_mimetypes_cache[ending] in content_types:
            kept.append(file)
    return kept


def get_filename_list(folder_name):
    return get_filename_list_(folder_name)[0]


def get_filename_list_(folder_name):
    """(names with demonstrations last, {folder: its time}, the time of this look)."""
    paths, endings = folder_names_and_paths[map_legacy(folder_name)]
    names, times = set(), {}
    for path in paths:
        files, folders = recursive_search(path, excluded_dir_names=[".git"])
        names.update(filter_files_extensions(files, endings))
        times.update(folders)
    # As is_demonstration in storage/model_lists.cpp.
    return sorted(names, key=lambda name: (name.startswith("darkroom-demo"), name)), times, time.perf_counter()


def cached_filename_list_(folder_name):
    """None: lists are looked up anew."""


def get_full_path(folder_name, filename):
    """Of the first folder that has it; None when none has."""
    folder_name = map_legacy(folder_name)
    if folder_name not in folder_names_and_paths:
        return None
    filename = os.path.relpath(os.path.join("/", filename), "/")
    for folder in folder_names_and_paths[folder_name][0]:
        path = os.path.join(folder, filename)
        if os.path.isfile(path):
            return path
    return None


def get_full_path_or_raise(folder_name, filename):
    path = get_full_path(folder_name, filename)
    if path is None:
        raise FileNotFoundError(f"Model in folder '{folder_name}' with filename '{filename}' not found.")
    return path


# ---- what is saved

def get_save_image_path(filename_prefix, output_dir, image_width=0, image_height=0):
    """(folder, file name, next number, subfolder, the prefix with its marks filled in)."""
    now = time.localtime()
    marks = {"width": str(image_width), "height": str(image_height), "year": str(now.tm_year), "month": f"{now.tm_mon:02}", "day": f"{now.tm_mday:02}",
             "hour": f"{now.tm_hour:02}", "minute": f"{now.tm_min:02}", "second": f"{now.tm_sec:02}"}
    for mark, value in marks.items():
        filename_prefix = filename_prefix.replace(f"%{mark}%", value)
    subfolder, filename = os.path.split(os.path.normpath(filename_prefix))
    folder = os.path.join(output_dir, subfolder)
    if os.path.commonpath((os.path.abspath(output_dir), os.path.abspath(folder))) != os.path.abspath(output_dir):
        raise Exception(f"Saving image outside the output folder is not allowed: {os.path.abspath(folder)}")
    os.makedirs(folder, exist_ok=True)
    counter = 1
    for name in os.listdir(folder):
        begin, rest = name[:len(filename)], name[len(filename):]
        if os.path.normcase(begin) == os.path.normcase(filename) and rest.startswith("_"):
            digits = rest[1:].split("_")[0].split(".")[0]
            if digits.isdigit():
                counter = max(counter, int(digits) + 1)
    return folder, filename, counter, subfolder, filename_prefix
