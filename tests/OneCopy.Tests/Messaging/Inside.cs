using OneCopy.Interop;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>The inside of a queue, for tests that bring about by hand what otherwise takes a race.</summary>
internal static class Inside
{
    /// <summary>The handle's own file.</summary>
    public static Participant Self(this MessageQueue queue) => ((IDoorbellOwner)queue).Self;

    /// <summary>Has the handle look at once who is there, as it does when somebody rings for it.</summary>
    public static void LookAtTable(this MessageQueue queue) => ((IDoorbellOwner)queue).OnAttention();

    /// <summary>The queue's ring, mapped once more.</summary>
    public static Ring OpenRing(this MessageQueue queue) => Ring.Open(DirectoryOf(queue), new QueueOptions(), create: false)!;

    public static QueueDirectory DirectoryOf(MessageQueue queue) =>
        QueueDirectory.Of(queue.Name, new QueueOptions { Root = Path.GetDirectoryName(queue.Path) });

    /// <summary>Whether a participant has announced that it sleeps for this.</summary>
    public static bool IsAsleep(this Ring ring, WaitKind kind, int index) => ring.Sleepers(kind).Next(index) == index;

    /// <summary>Descriptors of this process that are open on files below a directory, deleted ones too.</summary>
    public static string[] DescriptorsBelow(string directory) =>
        [.. Directory.GetFiles("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget ?? "")
            .Where(target => target.StartsWith(directory + '/', StringComparison.Ordinal))];

    /// <summary>What remains of a queue's files, by name.</summary>
    public static string[] FilesOf(string directory) =>
        [.. Directory.GetFiles(directory).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    /// <summary>SIGSTOP; returns when the process stands still.</summary>
    public static void Stop(this ChildProcess child)
    {
        Signal(child, "STOP");
        Eventually.True(() => StateOf(child.Pid) == 'T', $"{child} is stopped");
    }

    public static void Continue(this ChildProcess child) => Signal(child, "CONT");

    /// <summary>Opened as a hostile process does: the framework's own streams take the lock by which participants are known to live.</summary>
    public static Microsoft.Win32.SafeHandles.SafeFileHandle OpenHostile(string path) => SafeFd.Open(path, OpenFlags.O_RDWR);

    public static void Truncate(string path, long length)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = OpenHostile(path);
        RandomAccess.SetLength(file, length);
    }

    public static void Overwrite(string path, long offset, ReadOnlySpan<byte> bytes)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = OpenHostile(path);
        RandomAccess.Write(file, bytes, offset);
    }

    public static void FillRing(this MessageQueue queue)
    {
        while (queue.TrySend([0]))
        {
        }
    }

    private static void Signal(ChildProcess child, string signal)
    {
        using ChildProcess kill = ChildProcess.StartProgram("sh", "-c", $"kill -{signal} {child.Pid}");
        kill.Finish();
    }

    private static char StateOf(int pid)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        return stat[stat.LastIndexOf(')') + 2];
    }
}
