// Open MPI with its own transport for one machine (pml ob1, btl vader). The watching process starts mpirun, which starts the two; they map the watching process's shared
// memory.
//   cma     long messages with process_vm_readv, as by default
//   none    two copies through shared memory
#include "peer.h"
#include <mpi.h>
#include <sys/stat.h>

#ifndef WINDOW
#define WINDOW 8 // MPI_Isend at a time: better here at every size than the 64 of the OSU benchmarks
#endif

enum { TAG = 1 };

static int other;
static MPI_Request requests[WINDOW];
static char folder[64], place[64];

static void prepare(void)
{
    if (peer.bytes > INT_MAX)
        peer_die(PEER_UNABLE, "a message of MPI has 2 GiB at most");
    // Where Open MPI puts its files, those in memory too: so that nothing is left of it when it is killed.
    snprintf(folder, sizeof folder, "/dev/shm/onecopy-peer-%d", getpid());
    if (mkdir(folder, 0700))
        peer_die(PEER_FAILED, "%s: %s", folder, strerror(errno));
    snprintf(place, sizeof place, "/proc/%d/fd/%d", getpid(), peer.shared_file);
    setenv("ONECOPY_PEER", place, 1);
}

static void cleanup(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (folder[0] && system(command))
        fprintf(stderr, "openmpi: %s is left\n", folder);
}

static char **arguments;

static void become_mpirun(void)
{
    char self[PATH_MAX] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        peer_die(PEER_FAILED, "/proc/self/exe: %s", strerror(errno));
    const char *command[32] = {
        "mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "pml", "ob1", "--mca", "btl", "self,vader",
        // Both spin, with a processor each: that more are asked for than there are must not make them yield.
        "--mca", "mpi_yield_when_idle", "0", "--mca", "orte_tmpdir_base", folder, "--mca", "btl_vader_backing_directory", folder,
        "--mca", "btl_vader_single_copy_mechanism", peer.variant, "-np", "2", self,
    };
    int n = 0;
    while (command[n])
        n++;
    for (char **a = arguments + 1; *a; a++)
        command[n++] = *a;
    execvp("mpirun", (char **)command);
    peer_die(PEER_UNABLE, "mpirun: %s", strerror(errno));
}

static void open_mpi(void) { MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL); }

static void wait_for(int n) { MPI_Waitall(n, requests, MPI_STATUSES_IGNORE); }

static void send_mpi(long n)
{
    for (long i = 0; i < n; i += WINDOW) {
        int now = n - i < WINDOW ? (int)(n - i) : WINDOW;
        for (int k = 0; k < now; k++)
            MPI_Isend(peer.out, (int)peer.bytes, MPI_BYTE, other, TAG, MPI_COMM_WORLD, &requests[k]);
        wait_for(now);
    }
}

static void receive_mpi(long n)
{
    // Each receive under way has a buffer of its own, as MPI demands (MPI 4.1, 3.7.2). With one buffer for all, the fragments of several long messages come by turns into the same lines, out of the same lines: 49 GB/s at
    // 16 MiB and 48 at 64 MiB here, which no program could have. So many at a time are the best at each length: eight 64 KiB 51 GB/s, where one has 36; one 16 MiB 32, where eight have 23.
    static char *in[WINDOW];
    int window = peer.bytes <= 128 << 10 ? WINDOW : peer.bytes < 32 << 20 ? 1 : 2;
    for (int k = 0; k < window; k++)
        if (!in[k])
            in[k] = k == 0 ? peer.in : peer_buffer(peer.bytes, false);
    for (long i = 0; i < n; i += window) {
        int now = n - i < window ? (int)(n - i) : window;
        for (int k = 0; k < now; k++)
            MPI_Irecv(in[k], (int)peer.bytes, MPI_BYTE, other, TAG, MPI_COMM_WORLD, &requests[k]);
        wait_for(now);
    }
}

static void ping(void)
{
    MPI_Send(peer.out, (int)peer.bytes, MPI_BYTE, other, TAG, MPI_COMM_WORLD);
    MPI_Recv(peer.in, (int)peer.bytes, MPI_BYTE, other, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void pong(void)
{
    MPI_Recv(peer.in, (int)peer.bytes, MPI_BYTE, other, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(peer.out, (int)peer.bytes, MPI_BYTE, other, TAG, MPI_COMM_WORLD);
}

// What this one has still to tell the other leaves before it stops to look.
static void settle(void) { MPI_Barrier(MPI_COMM_WORLD); }

static const char *version(void)
{
    static char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(text, &length);
    text[strcspn(text, ",")] = 0;
    return text;
}

int main(int argc, char **argv)
{
    static const peer_system openmpi = {
        .name = "openmpi",
        .variants = {"cma", "none"},
        .version = version,
        .prepare = prepare,
        .open = open_mpi,
        .send = send_mpi,
        .receive = receive_mpi,
        .ping = ping,
        .pong = pong,
        .settle = settle,
        .cleanup = cleanup,
        .exec = become_mpirun,
    };
    arguments = argv;
    const char *shared = getenv("ONECOPY_PEER");
    if (!shared)
        return peer_main(argc, argv, &openmpi);
    // A rank.
    peer_of = &openmpi;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    peer_arguments(argc, argv);
    peer_map(open(shared, O_RDWR | O_CLOEXEC));
    MPI_Init(NULL, NULL);
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size != 2)
        peer_die(PEER_UNABLE, "%d ranks", size);
    other = !rank;
    peer_side(rank);
    MPI_Finalize();
    return 0;
}
