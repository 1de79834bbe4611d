#pragma once
/// Command: one subcommand of `tend`. main.c holds the table; each lives in its own command_NAME.c.

enum tend_exit { TEND_EXIT_FINE = 0, TEND_EXIT_TROUBLE = 1, TEND_EXIT_USAGE = 2 };

struct tend_command {
    const char *name;
    const char *summary; ///< one line for --help; NULL hides the command
    /// argv[0] is the command's name. @return an enum tend_exit
    int (*run)(int argc, char **argv);
};

int tend_command_run(int argc, char **argv);       ///< the daemon
int tend_command_detect(int argc, char **argv);    ///< how unusual each sample of a series is
int tend_command_locate(int argc, char **argv);    ///< who was at fault, from exported data
int tend_command_parse(int argc, char **argv);     ///< what the scraper sees in a body
int tend_command_check(int argc, char **argv);     ///< loads rules and says what is wrong with them
int tend_command_test(int argc, char **argv);      ///< plays scenarios in virtual time
int tend_command_simulate(int argc, char **argv);  ///< runs rules over the past or the imagined
int tend_command_tune(int argc, char **argv);      ///< what other thresholds would have cost
int tend_command_replay(int argc, char **argv);    ///< runs a recording once more and compares
int tend_command_export(int argc, char **argv);    ///< cuts one incident out of the recording
int tend_command_evaluator(int argc, char **argv); ///< the process that runs users' Lua; hidden

// They talk to the running daemon:
int tend_command_status(int argc, char **argv);    ///< how all services do
int tend_command_topology(int argc, char **argv);  ///< who depends on whom
int tend_command_incidents(int argc, char **argv); ///< the open and the lately ended incidents
int tend_command_explain(int argc, char **argv);   ///< the story of one incident
int tend_command_arm(int argc, char **argv);       ///< lets a playbook act
int tend_command_disarm(int argc, char **argv);    ///< makes it dry again
int tend_command_pause(int argc, char **argv);     ///< stops all acting
int tend_command_resume(int argc, char **argv);    ///< ends the pause
int tend_command_silence(int argc, char **argv);   ///< keeps notices and acts back for a time
int tend_command_unsilence(int argc, char **argv); ///< ends a silence
int tend_command_deploy(int argc, char **argv);    ///< notes that a service is being deployed
int tend_command_ack(int argc, char **argv);       ///< a person has seen an incident
int tend_command_close(int argc, char **argv);     ///< closes the breaker of a service
int tend_command_relearn(int argc, char **argv);
int tend_command_learn(int argc, char **argv);
int tend_command_mark(int argc, char **argv);   ///< says that an incident was real, or a false alarm
int tend_command_reload(int argc, char **argv); ///< loads the rules again

// They read what it wrote, whether it runs or not:
int tend_command_report(int argc, char **argv); ///< what the alarms of a time were worth
