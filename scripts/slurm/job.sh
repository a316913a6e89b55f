# shellcheck shell=bash
# What the batch scripts beside this file share. It is sourced: sbatch copies a batch script to a folder of its own,
# so each of them says where this file lies.
#
#   run_to_the_end requeue|resubmit CONFIG OUTPUT [OPTION of mcbe run...]
#       Starts mcbe under the launcher, passes the warning of the time limit on to it, and looks at how it ended:
#       0             the result is complete.
#       64, 65, 74    wrong configuration, wrong file, disk or lock: starting again would end the same way.
#       all others    stopped early (75), or a rank or a node was lost: the job starts again, unless it was cancelled,
#                     this start finished no unit, or it has been started again $MAX_RESTARTS times. A launch that
#                     failed before any unit was finished is tried again at once, LAUNCH_TRIES times in all.
#   shard_name OUTPUT I N
#       The file of one part of a run.
#
# Set before: MCBE (program), LAUNCH (launcher with its options), MAX_RESTARTS.

readonly no_use_in_repeating=" 64 65 74 "
readonly on_purpose="$no_use_in_repeating 75 " # mcbe ended by itself
LAUNCH_TRIES=${LAUNCH_TRIES:-3}

# The ranks are the parallelism.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

say() {
    printf '%s job %s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$job" "$*"
}

# stop CODE SENTENCE...: the end of this job.
stop() {
    local code=$1
    shift
    say "$*" >&2
    exit "$code"
}

# With srun: the PMIx that Open MPI speaks, and the end of all ranks when one is killed.
read_launcher() {
    read -ra launcher <<<"${LAUNCH:-mpirun}"
    if [ "${launcher[0]##*/}" = srun ]; then
        launcher=("${launcher[0]}" -K1 --mpi=pmix "${launcher[@]:1}")
    fi
}

need_program() {
    command -v -- "$1" >/dev/null ||
        stop 64 "there is no program $1 on $(hostname): $2"
}

need_config() {
    [ -r "$1" ] ||
        stop 64 "there is no configuration $1 in $PWD: give its path, seen from the folder in which sbatch is called"
}

# Units finished in a result file, as far as the file knows; 0 where there is none.
finished_units() {
    local units=
    if [ -e "$1" ]; then
        units=$("$MCBE" show --json "$1" | sed -n 's/^ *"units_done": \([0-9]*\),*$/\1/p')
    fi
    echo "${units:-0}"
}

# The warning of the time limit (USR1), and what scancel sends (TERM), which ends the job for good. mcbe is told
# both by USR1: mpirun kills the ranks a second after TERM.
on_signal() {
    interrupted=yes
    warned=yes
    if [ "$1" = TERM ]; then
        cancelled=yes
    fi
    if [ -n "$child" ]; then
        kill -s USR1 "$child" 2>/dev/null
    fi
}

# launch ARGUMENT...: mcbe under the launcher; its exit code in $code.
launch() {
    # Until launcher and program have their handlers, a signal must not kill them.
    (trap '' USR1 && exec "${launcher[@]}" "$MCBE" "$@") &
    child=$!
    while # a trap ends a wait; the code of the child is that of a wait without one
        interrupted=no
        wait "$child"
        code=$?
        [ "$interrupted" = yes ]
    do :; done
    child=
}

# This job goes back into the queue, under its number and with its log.
requeue() {
    scontrol requeue "$job"
}

# A job like this one, once this one is gone. It must not inherit what SLURM told this one about itself.
resubmit() {
    local name
    (
        for name in "${!SLURM_@}"; do
            case $name in SLURM_CONF | SLURM_JOB_ID | SLURM_SUBMIT_DIR) ;; *) unset "$name" ;; esac
        done
        MCBE_RESTARTS=$((restarts + 1)) exec sbatch --dependency="afterany:$SLURM_JOB_ID" --chdir="$SLURM_SUBMIT_DIR" \
            "$0" "${job_arguments[@]}"
    )
}

run_to_the_end() {
    local again=$1 config=$2 output=$3 before after try
    shift 3
    if [ -n "$cancelled" ]; then
        stop 75 "cancelled before mcbe was started"
    fi
    need_config "$config"
    need_program "$MCBE" "load its module, or set MCBE to its path"
    need_program "${launcher[0]}" "load the module of the MPI library, or set LAUNCH"
    mkdir -p -- "$(dirname -- "$output")" || stop 74 "the folder of $output cannot be made"

    before=$(finished_units "$output")
    say "start $((restarts + 1)) on ${SLURM_JOB_NODELIST:-$(hostname)}: $config -> $output, $before units finished"
    for ((try = 1; ; try++)); do
        launch run "$config" -o "$output" "$@"
        if [ "$code" -eq 0 ]; then
            say "$output is complete"
            exit 0
        fi
        after=$(finished_units "$output")
        # a launch that failed, as some do: nothing was computed, nobody asked for a stop
        if [[ $on_purpose == *" $code "* ]] || [ -n "$cancelled$warned" ] || [ "$after" -gt "$before" ] ||
            [ "$try" -ge "$LAUNCH_TRIES" ]; then
            break
        fi
        say "code $code before any unit was finished; launching again, try $((try + 1)) of $LAUNCH_TRIES"
    done
    if [[ $no_use_in_repeating == *" $code "* ]]; then
        stop "$code" "mcbe ended with code $code; the line above says why"
    elif [ -n "$cancelled" ]; then
        stop "$code" "cancelled, or out of time; submitted again it goes on"
    elif [ "$after" -le "$before" ]; then
        stop "$code" "code $code, and no unit was finished in this start ($after in all): not started again"
    elif [ "$restarts" -ge "$MAX_RESTARTS" ]; then
        stop "$code" "code $code after $restarts restarts, the most allowed (MAX_RESTARTS): not started again"
    fi
    say "code $code, $after units finished; restart $((restarts + 1)) of at most $MAX_RESTARTS"
    "$again" || stop "$code" "SLURM refused the restart; submitted again by hand it goes on"
    exit "$code"
}

# shard_name OUTPUT I N: the file of one part.
shard_name() {
    echo "${1%.h5}.shard-$2-of-$3.h5"
}

# The tasks of an array are the shards 0 to N - 1; a part of an array would be taken for all of it.
need_whole_array() {
    local last=$((${SLURM_ARRAY_TASK_COUNT:-0} - 1))
    if [ "$last" -lt 0 ] || [ "$SLURM_ARRAY_TASK_MIN" -ne 0 ] || [ "$SLURM_ARRAY_TASK_MAX" -ne "$last" ]; then
        stop 64 "this needs a whole array that counts from 0: sbatch --array=0-15 for 16 shards; what is complete" \
            "already is not computed again"
    fi
}

# --- what happens when this file is sourced -----------------------------------------------------
job=${SLURM_JOB_ID:?start this with sbatch}
if [ -n "${SLURM_ARRAY_JOB_ID:-}" ]; then
    job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID # the plain number of the last task names the whole array
fi
restarts=$((${SLURM_RESTART_COUNT:-0} + ${MCBE_RESTARTS:-0}))
job_arguments=("$@") # those of the batch script
child=
cancelled=
warned=
interrupted=no
read_launcher
trap 'on_signal USR1' USR1
trap 'on_signal TERM' TERM
