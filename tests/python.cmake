# Tests in Python that need more than its own library: they require the fixture python, which puts
# the packages that tests/python/requirements.txt pins into an environment beside the builds, one
# for all of them. tsan leaves them out: it does not know the threads that librdkafka makes.
if(NOT WEIR_EXAMPLES OR WEIR_PLANTED OR WEIR_SANITIZE MATCHES "thread|fuzzer")
  return()
endif()
set(python ${PROJECT_SOURCE_DIR}/build/venv/bin/python3)
add_test(NAME python/prepare COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/python/prepare)
set_tests_properties(python/prepare PROPERTIES TIMEOUT 400 LABELS python FIXTURES_SETUP python)

set(compare ${python} ${PROJECT_SOURCE_DIR}/examples/flights/compare.py $<TARGET_FILE:flights>)
add_test(NAME e2e/flights COMMAND ${compare} --every 10)
set_tests_properties(e2e/flights PROPERTIES TIMEOUT 300 LABELS e2e FIXTURES_REQUIRED python)
add_test(NAME kafka/flights WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
  COMMAND bash -c ". kafka/env && exec \"$0\" \"$@\" --brokers \"$BOOTSTRAP\"" ${compare})
set_tests_properties(kafka/flights PROPERTIES TIMEOUT 300 LABELS kafka
  FIXTURES_REQUIRED "python;kafka")

# All queries on one plan; and one of them from the other kind of file, in small epochs.
set(compare ${python} ${PROJECT_SOURCE_DIR}/examples/tpch/compare.py $<TARGET_FILE:tpch>)
add_test(NAME e2e/tpch COMMAND ${compare})
add_test(NAME e2e/tpch-csv
  COMMAND ${compare} --query 5 --format csv --scale 0.01 --batch 40 --workers 3)
set_tests_properties(e2e/tpch e2e/tpch-csv PROPERTIES TIMEOUT 300 LABELS e2e
  FIXTURES_REQUIRED python)
