using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Measuring;

/// <summary>Counts the system calls of the thread that made it, and of those that it starts.</summary>
internal sealed class SystemCallCounter : IDisposable
{
    private readonly SafeFileHandle? _perf;

    private SystemCallCounter(SafeFileHandle? perf, string source) => (_perf, Source) = (perf, source);

    /// <summary>What is counted, and by whom; for people.</summary>
    public string Source { get; }

    /// <summary>Whether every call is counted, and not reads and writes alone.</summary>
    public bool CountsAll => _perf is not null;

    public static SystemCallCounter Open()
    {
        SysResult opened = PerfEvent.OpenSystemCallCounter();
        return opened.Succeeded
            ? new SystemCallCounter(SafeFd.Of(opened), "all, counted by the kernel's tracepoint raw_syscalls:sys_enter")
            : new SystemCallCounter(null, $"reads and writes alone, from /proc/thread-self/io: the tracepoint of all calls cannot be had ({Errno.NameOf(opened.Errno)}; it takes root, or CAP_PERFMON and tracefs)");
    }

    /// <summary>The count so far; without the tracepoint, the one of <paramref name="io"/>.</summary>
    public unsafe long Read(ThreadIo io)
    {
        if (_perf is null)
            return io.ReadCalls + io.WriteCalls;
        long count = 0;
        Fcntl.read(_perf.Fd(), (byte*)&count, sizeof(long)).OrThrow("read", "the counter of system calls");
        return count;
    }

    public void Dispose() => _perf?.Dispose();
}

/// <summary>Lines of /proc/thread-self/io, or of /proc/self/io (proc_pid_io(5)).</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ThreadIo(long ReadCalls, long WriteCalls, long BytesFromStorage)
{
    public static ThreadIo Of(bool wholeProcess)
    {
        ThreadIo io = default;
        try
        {
            foreach (string line in File.ReadLines(wholeProcess ? "/proc/self/io" : "/proc/thread-self/io"))
            {
                int colon = line.IndexOf(':', StringComparison.Ordinal);
                long value = long.Parse(line.AsSpan(colon + 1));
                io = line[..colon] switch
                {
                    "syscr" => io with { ReadCalls = value },
                    "syscw" => io with { WriteCalls = value },
                    "read_bytes" => io with { BytesFromStorage = value },
                    _ => io,
                };
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A kernel without CONFIG_TASK_IO_ACCOUNTING, or a /proc that hides it: then it counts zero.
        }

        return io;
    }
}
