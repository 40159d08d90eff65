# tidemark_layer(NAME [DEPENDS layer...] [PACKAGES pkg-config-module...] [LIBRARIES target...] [EXCLUDE file...])
#
# Makes the static library tidemark_NAME from every .cpp below the folder NAME. `#include "NAME/..."` resolves through an include root
# that holds this one folder, handed on to those who link the layer: including the header of a layer that is not linked does not compile,
# and third-party libraries are private to the layer that names them.
function(tidemark_layer NAME)
  cmake_parse_arguments(LAYER "" "" "DEPENDS;PACKAGES;LIBRARIES;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(file IN LISTS LAYER_EXCLUDE)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  set(root ${CMAKE_BINARY_DIR}/include/${NAME})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${NAME} SYMBOLIC)

  add_library(tidemark_${NAME} STATIC ${sources})
  target_include_directories(tidemark_${NAME} PUBLIC ${root})
  foreach(layer IN LISTS LAYER_DEPENDS)
    target_link_libraries(tidemark_${NAME} PUBLIC tidemark_${layer})
  endforeach()
  foreach(package IN LISTS LAYER_PACKAGES)
    string(MAKE_C_IDENTIFIER ${package} id)
    pkg_check_modules(${id} REQUIRED IMPORTED_TARGET ${package})
    target_link_libraries(tidemark_${NAME} PRIVATE PkgConfig::${id})
  endforeach()
  target_link_libraries(tidemark_${NAME} PRIVATE ${LAYER_LIBRARIES} PUBLIC Threads::Threads)
endfunction()

# tidemark_program(TARGET MAIN LAYER): the program built from one main file and its layer.
function(tidemark_program TARGET MAIN LAYER)
  add_executable(${TARGET} ${MAIN})
  target_link_libraries(${TARGET} PRIVATE tidemark_${LAYER})
  install(TARGETS ${TARGET} RUNTIME DESTINATION bin)
endfunction()
