# Lets this package build over the PyPI wheels ros-jazzy-*. Runs at the end of CMakeLists.txt; with an
# installed ROS there is nothing to change.

# Exported targets of the wheels name header folders of the machine that built them (/opt/python/...),
# and CMake refuses folders that do not exist.
function(drop_missing_include_directories)
  get_directory_property(targets IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(directories)
      list(FILTER directories EXCLUDE REGEX "^/opt/python/")
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${directories}")
    endif()
  endforeach()
endfunction()

# NumPy's headers lie below the source folder when the virtual environment does, and CMake refuses to
# export such a folder: they are needed to build only.
function(keep_source_directories_out_of_export target)
  get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
  set(kept "")
  foreach(directory IN LISTS directories)
    cmake_path(IS_PREFIX PROJECT_SOURCE_DIR "${directory}" below_source)
    if(below_source)
      list(APPEND kept "$<BUILD_INTERFACE:${directory}>")
    else()
      list(APPEND kept "${directory}")
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${kept}")
endfunction()

cmake_language(DEFER CALL drop_missing_include_directories)
cmake_language(DEFER CALL keep_source_directories_out_of_export
  ${PROJECT_NAME}__rosidl_generator_py)
