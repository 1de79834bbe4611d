#pragma once
/// Message: what passes over an evaluator's one socket. Frames: u32 length of kind and payload (little-endian), u8
/// kind, payload. JSON payloads are UTF-8 objects. The same header serves both ends.

#include <stddef.h>

/// The largest frame, kind and payload, in either direction.
#define TEND_MESSAGE_MAX_BYTES ((size_t)16 * 1024 * 1024)

/// The descriptor that an evaluator finds its socket on.
#define TEND_MESSAGE_FD 3

enum tend_message {
    // to the evaluator
    TEND_MESSAGE_LOAD = 'L',      ///< JSON sources {"files","env","secrets"}: the first request → DOCUMENT
    TEND_MESSAGE_TICK = 'T',      ///< bytes of alert/verdict.h → VERDICTS
    TEND_MESSAGE_ASK = 'A',       ///< JSON {"kind":"locate"|"notice", …} → REPLY
    TEND_MESSAGE_RUN_START = 'S', ///< JSON {"playbook","frozen","answers"}, once → EFFECT
    TEND_MESSAGE_ANSWER = 'N',    ///< JSON, the answer to the last effect → EFFECT
    // from the evaluator
    TEND_MESSAGE_DOCUMENT = 'D', ///< JSON, the generation document; {"errors":[…]} when loading failed
    TEND_MESSAGE_VERDICTS = 'V', ///< bytes of alert/verdict.h
    TEND_MESSAGE_REPLY = 'R',    ///< JSON, or {"error":"text"}
    TEND_MESSAGE_EFFECT = 'E',   ///< JSON {"effect":{…}} or {"end":{…}}
    TEND_MESSAGE_PROGRESS = 'P', ///< u8 tend_progress, u32 index: which piece of user code begins now
};

enum tend_progress {
    TEND_PROGRESS_FILE = 'f',     ///< index in "files"; the number of files stands for env
    TEND_PROGRESS_RULE = 'r',     ///< one a rule a tick, before its first call
    TEND_PROGRESS_LOCATE = 'l',   ///< index in the document's "locates"
    TEND_PROGRESS_PLAYBOOK = 'p', ///< `when` or `run` of a playbook
    TEND_PROGRESS_NOTIFY = 'n',   ///< index in the document's "notifies"
};

/// How an evaluator exits by itself; the parent tells it from being killed.
enum tend_evaluator_exit {
    TEND_EVALUATOR_EXIT_CLOSED = 0,  ///< the socket was closed: the parent is done with it
    TEND_EVALUATOR_EXIT_MEMORY = 3,  ///< Lua's memory ended where nothing could be told any more
    TEND_EVALUATOR_EXIT_REQUEST = 4, ///< a request was malformed
    TEND_EVALUATOR_EXIT_LOCK = 5,    ///< a lock of the sandbox could not be set
};
