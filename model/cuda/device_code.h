// SPDX-License-Identifier: Apache-2.0
// Marks functions that both compilers read: nvcc for the device and the host, g++ for the emulator
// and the tests. Headers that include this one are C++17 and free of Eigen.
#pragma once

#if defined(__CUDACC__)
#define MOESIM_DEVICE_CODE __host__ __device__ __forceinline__
// Of what uses a thread (device.h, "Thread"): the emulator's under g++.
#define MOESIM_KERNEL_CODE __device__ __forceinline__
#else
#define MOESIM_DEVICE_CODE inline
#define MOESIM_KERNEL_CODE inline
#endif
