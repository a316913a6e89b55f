# Writes OUT with the commit of SOURCE, touching it only when something changed. A tree that is no checkout of
# its own (an unpacked archive, even inside another repository) is "unknown".
set(sha "unknown")
set(dirty -1)
execute_process(COMMAND git -C ${SOURCE} rev-parse --show-prefix HEAD
    OUTPUT_VARIABLE answer ERROR_QUIET RESULT_VARIABLE rc)
# Two lines, the first of them (the path inside the checkout) empty at its root.
if(rc EQUAL 0 AND answer MATCHES "^\n([0-9a-f]+)\n$")
    set(sha ${CMAKE_MATCH_1})
    execute_process(COMMAND git -C ${SOURCE} status --porcelain --untracked-files=no
        OUTPUT_VARIABLE changes ERROR_QUIET)
    if(changes STREQUAL "")
        set(dirty 0)
    else()
        set(dirty 1)
    endif()
endif()
set(text "#define MCBE_GIT_SHA1 \"${sha}\"\n#define MCBE_GIT_DIRTY (${dirty})\n")
set(before "")
if(EXISTS ${OUT})
    file(READ ${OUT} before)
endif()
if(NOT before STREQUAL text)
    file(WRITE ${OUT} "${text}")
endif()
