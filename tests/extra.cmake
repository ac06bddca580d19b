# Checks that are no Check programs: of the repository, its scripts and headers, the compilers'
# messages, and the installed package. One build has them; those for sanitizers leave them out.
if(WEIR_PLANTED)
  add_test(NAME planted/seeds COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sim/planted ${PROJECT_SOURCE_DIR}
    ${CMAKE_BINARY_DIR})
  set_tests_properties(planted/seeds PROPERTIES TIMEOUT 600 LABELS planted)
  return()
endif()
if(WEIR_SANITIZE OR WEIR_HASH_8BIT OR CMAKE_C_COMPILER_ID STREQUAL "Clang")
  return()
endif()
set(source ${PROJECT_SOURCE_DIR})
# weir_check(NAME LABEL COMMAND...)
function(weir_check name label)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS ${label})
endfunction()
weir_check(tidy/repository tidy ${source}/tests/tidy/tidy.py ${source})
weir_check(tidy/selftest tidy ${source}/tests/tidy/selftest.py)
weir_check(tidy/dev tidy ${source}/tests/dev/run ${source})
weir_check(kafka/scripts kafka ${source}/tests/kafka/check-scripts)
weir_check(deploy/files e2e ${source}/tests/deploy/run ${source} $<TARGET_FILE:e2e_check_cluster>)
weir_check(headers/alone headers ${source}/tests/headers/run ${source})
weir_check(compile/messages compile ${source}/tests/compile/run ${source})
weir_check(consumer/packages consumer ${source}/tests/consumer/run ${source} ${CMAKE_BINARY_DIR})

# What is written in Python beyond its own library: tests that require the fixture python find
# ${PYTHON_WITH_PACKAGES}. It is outside of the build's folder, one for all builds.
set(PYTHON_WITH_PACKAGES ${source}/build/venv/bin/python3)
weir_check(python/check-prepare python ${source}/tests/python/check-prepare)
weir_check(python/prepare python ${source}/tests/python/prepare)
set_tests_properties(python/prepare PROPERTIES FIXTURES_SETUP python)
