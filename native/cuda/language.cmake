# CUDA as a language, where it is wanted and there. Included at the top: the linker of every target must know of it.
set(SESS_CUDA AUTO CACHE STRING "AUTO: where nvcc is found; ON: required; OFF")
set(SESS_CUDA_ARCHITECTURES "75-real;80-real;86-real;89-real;90-real;100-real;120"
    CACHE STRING "GPU architectures; the last also embeds PTX for those to come")
set(have_cuda OFF)
set(nvcc_version 0)
if(NOT SESS_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --version OUTPUT_VARIABLE nvcc_text)
    if(nvcc_text MATCHES "release ([0-9.]+)")
      set(nvcc_version ${CMAKE_MATCH_1})
    endif()
  endif()
  if(nvcc_version VERSION_GREATER_EQUAL 12.8)  # the first with these architectures and --compress-mode
    set(CMAKE_CUDA_ARCHITECTURES "${SESS_CUDA_ARCHITECTURES}")
    set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
    if(CMAKE_VERSION VERSION_LESS 3.26)  # 3.25 knows no C++20 for CUDA, and CUDA inherits CMAKE_CXX_STANDARD
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    enable_language(CUDA)
    set(CMAKE_CUDA_STANDARD 20)  # after enable_language
    set(have_cuda ON)
  elseif(SESS_CUDA STREQUAL "ON")
    message(FATAL_ERROR "SESS_CUDA=ON and no nvcc 12.8 or newer")
  endif()
endif()
