# Lets this package build over the PyPI wheels ros-jazzy-*: their exported targets name header folders
# of the machine that built the wheels (/opt/python/...), and CMake refuses folders that do not exist.
# Runs at the end of CMakeLists.txt; with an installed ROS there is nothing to drop.
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
cmake_language(DEFER CALL drop_missing_include_directories)
