# SPDX-License-Identifier: Apache-2.0
# Finds the header-only protozero: Protozero_FOUND, Protozero_VERSION, imported target Protozero::Protozero.
find_path(Protozero_INCLUDE_DIR protozero/pbf_writer.hpp)
if(Protozero_INCLUDE_DIR)
  file(STRINGS "${Protozero_INCLUDE_DIR}/protozero/version.hpp" protozero_numbers
       REGEX "^#define PROTOZERO_VERSION_STRING ")
  string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" Protozero_VERSION "${protozero_numbers}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Protozero REQUIRED_VARS Protozero_INCLUDE_DIR VERSION_VAR Protozero_VERSION)
if(Protozero_FOUND AND NOT TARGET Protozero::Protozero)
  add_library(Protozero::Protozero INTERFACE IMPORTED)
  set_target_properties(Protozero::Protozero PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${Protozero_INCLUDE_DIR}")
endif()
