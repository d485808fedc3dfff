// Runs the handler's machine code in a small process of its own, without .NET: on this processor, or another one under an emulator.
// CODE is defined by the test: the bytes, in braces. Says "ok" for each thing looked at, or what is wrong, and fails.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct slot { uintptr_t start, end; uint32_t version, damaged; int32_t prot, pad; };
struct table { uintptr_t previous; uint32_t used, faulted; uint64_t mask, size; char zeros[32]; struct slot slots[4]; };

static unsigned char code[] = CODE;
static struct table *table;
static long page;
static sigjmp_buf chained;
static siginfo_t seen;

static void check(int good, const char *what)
{
    printf("%s %s\n", good ? "ok" : "WRONG", what);
    if (!good)
        exit(1);
}

static void previous(int signal, siginfo_t *info, void *context)
{
    seen = *info;
    siglongjmp(chained, signal == SIGBUS && context ? 1 : 2);
}

static volatile char *map(int pages, int *file)
{
    *file = memfd_create("file", 0);
    if (*file < 0 || ftruncate(*file, pages * page))
        abort();
    char *p = mmap(0, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, *file, 0);
    memset(p, 'x', pages * page);
    return p;
}

static void guard(int slot, volatile char *start, int pages, uint32_t version)
{
    table->slots[slot] = (struct slot){ (uintptr_t)start, (uintptr_t)start + pages * page, version, 0, PROT_READ | PROT_WRITE };
}

static int end_of_child(void (*body)(void), uintptr_t before)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        table->previous = before;
        body();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static volatile char *stranger;
static void fault(void) { stranger[0]; }
static void send(void) { kill(getpid(), SIGBUS); }

int main(void)
{
    page = sysconf(_SC_PAGESIZE);
    table = mmap(0, sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *text = mmap(0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(text, code, sizeof code);
    memcpy(text + sizeof code - sizeof table, &table, sizeof table);
    if (mprotect(text, page, PROT_READ | PROT_EXEC))
        abort();
    __builtin___clear_cache(text, text + page);
    table->previous = (uintptr_t)previous;
    table->mask = -page;
    table->size = page;
    struct sigaction action = { .sa_sigaction = (void *)text, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(SIGBUS, &action, 0);

    int files[4];
    volatile char *a = map(4, &files[0]), *b = map(4, &files[1]), *c = map(4, &files[2]);
    stranger = map(1, &files[3]);
    guard(0, b, 4, 3);          // Being changed: not to be looked at.
    guard(1, a, 4, 2);
    guard(2, b, 4, 4);
    guard(3, c, 4, 2);
    table->slots[3].end = (uintptr_t)1 << 62;   // So that the kernel refuses the long range.
    table->used = 4;

    ftruncate(files[1], page);
    errno = 123;
    b[2 * page + 5] = 'y';
    check(errno == 123, "errno is as it was");
    check(b[2 * page + 5] == 'y' && b[2 * page + 6] == 0 && b[4 * page - 1] == 0, "the rest is zeros that can be written");
    check(b[0] == 'x', "what the file still has is seen");
    check(table->faulted == 1 && table->slots[2].damaged == 1 && !table->slots[0].damaged && !table->slots[1].damaged && !table->slots[3].damaged, "the right slot is marked");
    check(b[page] == 0 && b[2 * page + 5] == 0, "a fault before the first one replaces all up to the end again");
    check(a[3 * page] == 'x' && c[3 * page] == 'x', "the others are as they were");

    ftruncate(files[2], 0);
    check(c[page] == 0 && c[0] == 0 && table->slots[3].damaged == 1, "page by page where the kernel refuses more");

    table->used = 3;            // That range covered everything behind it.
    ftruncate(files[3], 0);
    volatile int how = sigsetjmp(chained, 1);
    if (how == 0)
        stranger[0];
    check(how == 1 && seen.si_code == BUS_ADRERR && seen.si_addr == (void *)stranger, "a stranger's fault goes to the handler before, as it came");
    how = sigsetjmp(chained, 1);
    if (how == 0)
        kill(getpid(), SIGBUS);
    check(how == 1 && seen.si_code == SI_USER, "so does one that is sent");
    check(end_of_child(fault, 0) == SIGBUS, "a fault ends the process where nothing was before");
    check(end_of_child(fault, 1) == SIGBUS, "and where the signal was ignored");
    check(end_of_child(send, 0) == SIGBUS, "a sent one ends the process where nothing was before");
    check(end_of_child(send, 1) == 0, "and is ignored where it was ignored");
    return 0;
}
