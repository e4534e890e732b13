# Writes OUTPUT with the version and the git revision; touches it only when they change. Run at build time.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=10
                OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT revision)
  set(revision "no git")
endif()
set(content "#pragma once\ninline constexpr const char* kPlanewiseVersion = \"planewise ${VERSION} (${revision})\";\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL content)
  file(WRITE ${OUTPUT} "${content}")
endif()
