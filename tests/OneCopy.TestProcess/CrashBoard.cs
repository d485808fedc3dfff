using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace OneCopy.TestProcess;

/// <summary>
/// A page that all processes of a row of the crash matrix share: the instant of the crash, by the clock that they all have. So those
/// who are to go on from then on need nobody to tell them, and are measured from the instant itself.
/// </summary>
internal static unsafe class CrashBoard
{
    private static readonly ManualResetEventSlim s_never = new();
    private static MemoryMappedViewAccessor? s_view;
    private static long* s_words;

    /// <summary>When the victim was killed or stopped, in nanoseconds of CLOCK_MONOTONIC; 0 = not yet.</summary>
    public static long At
    {
        get => Volatile.Read(ref s_words[0]);
        set => Volatile.Write(ref s_words[0], value);
    }

    /// <summary>1 = a process that waits at a step goes on.</summary>
    public static long Go => Volatile.Read(ref s_words[1]);

    /// <summary>How often the victim came to where it cannot go on without the others: it goes to sleep, or meets a full ring.</summary>
    public static void CountSleep() => Interlocked.Increment(ref s_words[2]);

    /// <summary>How many wait at a step until they may go on.</summary>
    public static void CountWait() => Interlocked.Increment(ref s_words[3]);

    /// <summary>CLOCK_MONOTONIC in nanoseconds: the same in every process of the machine.</summary>
    public static long Now => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    public static void Map(string path)
    {
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(path, FileMode.Open);
        s_view = file.CreateViewAccessor(0, 4096);
        byte* address = null;
        s_view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        s_words = (long*)address;
    }

    /// <summary>Gives the processor to others for about so long.</summary>
    public static void Nap(int milliseconds) => s_never.Wait(milliseconds);

    public static void AwaitCrash()
    {
        while (At == 0)
            Nap(1);
    }
}
