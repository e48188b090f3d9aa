# SPDX-License-Identifier: Apache-2.0
# Whether the CUDA library is built: MOESIM_CUDA_FOUND, and then the language CUDA is there. The
# toolkit is optional; without it everything else is the same.
set(MOESIM_CUDA AUTO CACHE STRING "Build the CUDA backend: ON, OFF, or AUTO where nvcc is there")
set_property(CACHE MOESIM_CUDA PROPERTY STRINGS AUTO ON OFF)
set(MOESIM_CUDA_FOUND FALSE)
set(moesim_cuda_lacks "")

if(NOT MOESIM_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(MOESIM_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin
                 PATHS /usr/local/cuda/bin)
    mark_as_advanced(MOESIM_NVCC)
    if(MOESIM_NVCC)
      set(ENV{CUDACXX} "${MOESIM_NVCC}")  # check_language tries no compiler that is set otherwise
    endif()
  endif()
  # Compute capability 8.0 as a program and as text that later devices translate; 9.0 with its own
  # instructions. Known before the language is, which would choose otherwise.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "80;90a-real")
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit 12.4 QUIET)
    if(CUDAToolkit_FOUND AND TARGET CUDA::cublas)
      set(MOESIM_CUDA_FOUND TRUE)
    else()
      set(moesim_cuda_lacks "CUDA toolkit 12.4 or later with cuBLAS is not there")
    endif()
  else()
    set(moesim_cuda_lacks "nvcc is not there, or does not work")
  endif()
  if(NOT MOESIM_CUDA_FOUND AND MOESIM_CUDA STREQUAL "ON")
    message(FATAL_ERROR
            "MOESIM_CUDA=ON, but ${moesim_cuda_lacks}. Install the CUDA toolkit and have nvcc in "
            "PATH, CUDA_HOME or CUDACXX, or configure with -DMOESIM_CUDA=OFF.")
  endif()
  if(NOT MOESIM_CUDA_FOUND)
    message(STATUS "CUDA: ${moesim_cuda_lacks}; the numerics run on the processor")
  endif()
endif()
