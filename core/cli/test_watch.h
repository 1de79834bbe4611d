#pragma once
/// Test, watch: plays, and plays again whenever a file below a directory changes.
///
/// Each time in a process of its own, as playing locks itself in for good. Ends with the process (Ctrl-C).

/// @param play  what is done each time; its value becomes the status of its process  @return an enum tend_exit: the
/// directory cannot be watched
int tend_test_watch(const char *dir, int (*play)(void *context), void *context);
