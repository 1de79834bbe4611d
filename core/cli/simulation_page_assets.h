#pragma once
/// Simulation page assets: the style sheet and the script that lie beside this file, as the build put them in.

extern const char tend_simulation_page_css[];
extern const char tend_simulation_page_js[];
