# Installs the headers of all layers into one include/weir, a library a component, and what
# find_package and pkg-config need to find them and the Debian packages below.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
# From the .pc files back to the prefix, so that an installed tree may be moved.
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)

foreach(layer runtime operators connectors tests/harness)
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${layer}/include)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${layer}/include/
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
  endif()
endforeach()

# What each component stands on: pkg-config names, and the prefixes that CMakeLists.txt gave them.
set(weir_modules uv=libuv jsonc=json-c msgpack=msgpack xxhash=libxxhash)
set(main_modules uv=libuv jsonc=json-c microhttpd=libmicrohttpd)
set(kafka_modules uv=libuv jsonc=json-c rdkafka=rdkafka)
set(test_modules "")

install(TARGETS weir_allocator EXPORT weir-weir-targets)
get_property(components GLOBAL PROPERTY WEIR_COMPONENTS)
set(lookups "")
foreach(component ${components})
  set(target weir_${component})
  set(library weir-${component})
  set(requires weir)
  set(requires_private "")
  set(extra_libraries -lm)
  if(component STREQUAL weir)
    set(target weir)
    set(library weir)
    set(requires "")
    set(extra_libraries "-lm -pthread")
  endif()
  install(TARGETS ${target} EXPORT weir-${component}-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT weir-${component}-targets NAMESPACE weir:: DESTINATION ${package_dir})

  # A static library leaves its own needs to whoever links it, so there they are public.
  set(modules "")
  foreach(module ${${component}_modules})
    string(REPLACE "=" ";" module ${module})
    list(GET module 0 prefix)
    list(GET module 1 name)
    list(APPEND modules ${name})
    string(APPEND lookups "weir_find_module(${component} ${prefix} ${name})\n")
  endforeach()
  list(JOIN modules " " modules)
  if(BUILD_SHARED_LIBS)
    set(requires_private ${modules})
    set(extra_libraries "")
  else()
    set(requires "${requires} ${modules}")
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/weir.pc.in ${library}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${library}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weirConfig.cmake.in weirConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(weirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weirConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/weirConfigVersion.cmake DESTINATION ${package_dir})
