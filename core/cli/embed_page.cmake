# Writes OUT: the page's style sheet and script as C strings (core/cli/simulation_page_assets.h).
set(text "#include \"cli/simulation_page_assets.h\"\n\n")
foreach(kind css js)
  file(READ ${ROOT}/simulation_page.${kind} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "(char)0x\\1," hex "${hex}")
  string(APPEND text "const char tend_simulation_page_${kind}[] = { ${hex} 0 };\n")
endforeach()
file(WRITE ${OUT} "${text}")
