# LIBRARIES are guests of a process: none may end it, take its signals, or change
# its locale, folder or environment. What they call is read by NM.

string(JOIN "|" forbidden
  _?_?exit _Exit quick_exit at_quick_exit abort raise kill signal sigaction
  sigprocmask pthread_sigmask pthread_kill setlocale uselocale chdir fchdir umask
  setenv putenv unsetenv clearenv fork vfork system setrlimit)
foreach(library IN LISTS LIBRARIES)
  execute_process(COMMAND "${NM}" -D --undefined-only "${library}"
                  OUTPUT_VARIABLE symbols RESULT_VARIABLE status)
  if(status)
    message(FATAL_ERROR "${NM} cannot read ${library}")
  endif()
  string(REGEX MATCHALL "[ \n]U (${forbidden})(@[^\n]*)?\n" found "${symbols}")
  if(found)
    message(FATAL_ERROR "${library} calls what a library must not:${found}")
  endif()
  if(NOT symbols MATCHES "U malloc|U _Znw")
    message(FATAL_ERROR "${library} calls nothing that is known: is it read right?")
  endif()
endforeach()
