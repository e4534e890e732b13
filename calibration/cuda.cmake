# planewise_cuda: make_cuda_backend(). With nvcc and cuBLASLt the real one, for Hopper (sm_90a) with
# fallbacks for Ampere (sm_80) and Blackwell (sm_100a); else one that says why there is none.
set(PLANEWISE_HAS_CUDA OFF CACHE INTERNAL "Whether planewise_cuda is the real one")
if(NOT PLANEWISE_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER)
    find_program(PLANEWISE_NVCC nvcc PATHS /usr/local/cuda/bin)
    if(PLANEWISE_NVCC)
      set(CMAKE_CUDA_COMPILER ${PLANEWISE_NVCC})
    endif()
  endif()
  set(CMAKE_CUDA_ARCHITECTURES "80-real;90a-real;100a-real" CACHE STRING "GPUs to compile for")
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit 12.9)
  endif()
  if(CMAKE_CUDA_COMPILER AND CUDAToolkit_FOUND AND TARGET CUDA::cublasLt)
    set(PLANEWISE_HAS_CUDA ON CACHE INTERNAL "")
  elseif(PLANEWISE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "PLANEWISE_CUDA=ON, but no nvcc of CUDA 12.9 or later with cuBLASLt was found")
  endif()
endif()

if(PLANEWISE_HAS_CUDA)
  message(STATUS "planewise-calibrate: CUDA ${CUDAToolkit_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has it since 12.0
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  file(GLOB sources CONFIGURE_DEPENDS cuda/*.cc cuda/*.cu)
  list(FILTER sources EXCLUDE REGEX "no_cuda\\.cc$")
  add_library(planewise_cuda STATIC ${sources})
  target_compile_options(planewise_cuda PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow>
                         $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wextra>
                         $<$<AND:$<BOOL:${PLANEWISE_WERROR}>,$<COMPILE_LANGUAGE:CUDA>>:-Werror=all-warnings>
                         $<$<AND:$<BOOL:${PLANEWISE_WERROR}>,$<COMPILE_LANGUAGE:CXX>>:-Werror>)
  target_link_libraries(planewise_cuda PRIVATE CUDA::cudart_static CUDA::cublasLt)
  target_link_libraries(planewise_cuda PUBLIC planewise_calibration PRIVATE fmt::fmt)
  # Optional, and in no Debian package: cuDNN's fused attention is built through its frontend.
  find_path(PLANEWISE_CUDNN_FRONTEND cudnn_frontend.h)
  find_path(PLANEWISE_CUDNN_INCLUDE cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(PLANEWISE_CUDNN cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
  if(PLANEWISE_CUDNN_FRONTEND AND PLANEWISE_CUDNN_INCLUDE AND PLANEWISE_CUDNN)
    message(STATUS "planewise-calibrate: attention by cuDNN, ${PLANEWISE_CUDNN_FRONTEND}")
    set_property(SOURCE cuda/attention_cudnn.cc APPEND PROPERTY
                 COMPILE_DEFINITIONS PLANEWISE_HAS_CUDNN_FRONTEND)
    target_include_directories(planewise_cuda SYSTEM PRIVATE ${PLANEWISE_CUDNN_FRONTEND}
                               ${PLANEWISE_CUDNN_INCLUDE})
    # The frontend compiles kernels of its own as it runs.
    target_link_libraries(planewise_cuda PRIVATE ${PLANEWISE_CUDNN} CUDA::nvrtc)
  endif()
else()
  message(STATUS "planewise-calibrate: no CUDA; the host backend alone")
  add_library(planewise_cuda STATIC cuda/no_cuda.cc)
  target_link_libraries(planewise_cuda PUBLIC planewise_calibration PRIVATE planewise_options)
endif()
