# SPDX-License-Identifier: Apache-2.0
"""The programs that tools/gpu_check runs: where a build puts them, what they need on a machine that
did not build them, and how they get there. Needs only Python's standard library."""

import os
import re
import shutil
import site
import subprocess
import sys
from pathlib import Path

BENCH = 'product_bench'
GEMM_TESTS = 'cuda_gemm_device_tests'
TRAINING_TESTS = 'cuda_device_tests'
TESTS = (GEMM_TESTS, TRAINING_TESTS)
LIBRARY = 'libmoesim_cuda.so'  # that tests open where it lies beside them
PLACES = {BENCH: 'bench/gpu', GEMM_TESTS: 'cli', TRAINING_TESTS: 'cli'}  # in a build folder
CUBLAS = 'libcublas.so.13'  # what is looked for where the library names no other
# Every machine has these, or has them with its driver or CUDA: they are not packed.
NOT_PACKED = re.compile(r'(linux-vdso|ld-linux|libc\.|libm\.|libstdc\+\+|libgcc_s|libpthread|libdl|'
                        r'librt|libcuda|libcublas|libnv)')


def find_programs(folder):
    """{name: absolute path} of the programs that are there: of a packed folder, where they lie side
    by side, or where a build puts them today; nothing that an older build left elsewhere."""
    folder = Path(folder).resolve()
    is_packed = any((folder / name).is_file() for name in PLACES)
    paths = {name: folder / ('' if is_packed else place) / name for name, place in PLACES.items()}
    return {name: path for name, path in paths.items() if path.is_file()}


def find_library(programs):
    """The CUDA library beside the tests; None where it is not."""
    for name in TESTS:
        path = programs[name].parent / LIBRARY if name in programs else None
        if path is not None and path.is_file():
            return path
    return None


def make_executable(paths):
    """Sets what copies between machines lose; where that is not allowed, running says so."""
    for path in paths:
        try:
            path.chmod(path.stat().st_mode | 0o111)
        except OSError:
            continue


def lines_of(command):
    """What a command prints; no lines where it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip().splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def cuda_folders():
    """Where a CUDA toolkit may be: as the user names it, then where it is installed by itself."""
    named = [Path(os.environ['CUDA_HOME'])] if os.environ.get('CUDA_HOME') else []
    return [*named, *sorted(Path('/usr/local').glob('cuda*'))]


def tool_path(name):
    """A tool of the CUDA toolkit, in PATH or in the toolkit; its name where it is in neither."""
    found = shutil.which(name)
    for cuda in cuda_folders():
        for folder in ('bin', 'compute-sanitizer'):
            found = found or shutil.which(name, path=str(cuda / folder))
    return found or name


def needed_cublas(library):
    """The file name of the cuBLAS that the library was linked with."""
    name = re.search(rb'libcublas\.so\.\d+', library.read_bytes()) if library else None
    return name.group().decode() if name else CUBLAS


def cublas_folder(name):
    """The folder of this cuBLAS; None where it is in no place that it is known to be put."""
    folders = []
    for cuda in cuda_folders():
        folders += [cuda / 'lib', cuda / 'lib64', *sorted(cuda.glob('targets/*/lib'))]
    for line in lines_of([shutil.which('ldconfig') or '/sbin/ldconfig', '-p']):
        if line.split()[:1] == [name] and '=>' in line:
            folders.append(Path(line.split('=>')[1].strip()).parent)
    packages = [*site.getsitepackages(), site.getusersitepackages(), *sys.path]
    folders += [found for folder in packages for found in sorted(Path(folder).glob('nvidia/*/lib'))]
    return next((folder for folder in folders if (folder / name).is_file()), None)


def library_path(folders):
    """LD_LIBRARY_PATH with these folders behind what it has."""
    known = [part for part in os.environ.get('LD_LIBRARY_PATH', '').split(':') if part]
    return ':'.join([*known, *(str(folder) for folder in folders)])


def libraries_of(path):
    """{file name: path} of the shared libraries that a program needs packed with it."""
    pairs = [line.split('=>') for line in lines_of(['ldd', str(path)]) if '=> /' in line]
    found = {name.strip(): Path(rest.split()[0]) for name, rest in pairs}
    return {name: rest for name, rest in found.items() if not NOT_PACKED.match(name)}


def configured(builds):
    """The first of the build folders that has the bench as a target; None where there is none."""
    for build in builds:
        rules = build / 'build.ninja'
        if rules.is_file() and f'build {BENCH}: phony' in rules.read_text(encoding='utf-8'):
            return build
    return None


def pack(folder, builds, commit):
    """Builds the programs in the first of `builds` that has them and copies them, without symbols
    and with their libraries; `commit()` says what was built. What went wrong, or None."""
    build = configured(builds)
    if build is None:
        return 'gpu_check: no build has the programs; configure one with -DMOESIM_CUDA=ON'
    if subprocess.run(['cmake', '--build', str(build), '--target', *PLACES], check=False).returncode:
        return f'gpu_check: the programs do not build in {build}'
    files = find_programs(build)
    absent = [name for name in PLACES if name not in files]
    if absent:
        return f'gpu_check: {", ".join(absent)} is not where {build} puts it'
    library = find_library(files)
    if library is None:
        return f'gpu_check: {LIBRARY} is not beside the tests in {build}'
    files[LIBRARY] = library
    for path in list(files.values()):
        files |= libraries_of(path)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in files.items():
        shutil.copy2(path, folder / name)
        if name in PLACES or name == LIBRARY:
            subprocess.run(['strip', str(folder / name)], check=True)
    (folder / 'COMMIT').write_text(commit() + '\n', encoding='utf-8')
    print(f'gpu_check: {", ".join(files)} in {folder}')
    return None
