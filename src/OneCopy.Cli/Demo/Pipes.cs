using System.IO.Pipes;

namespace OneCopy.Cli.Demo;

/// <summary>
/// The same job by named pipes: frame by frame, a header and the content behind it in one write, read straight into the memory where it
/// belongs. With the asynchronous calls, which the queue's side of the demo uses too, and with the blocking ones, a thread for each pipe,
/// which are faster. The pipes' own buffers are left as they are: larger ones made no clear difference, and the kernel caps them
/// (net.core.wmem_max).
/// </summary>
internal static class Pipes
{
    public const string Asynchronous = "pipe-async";
    public const string Blocking = "pipe-blocking";

    public static NamedPipeServerStream Listen(string path, string kind) =>
        new(Uri.UnescapeDataString(path), PipeDirection.In, 1, PipeTransmissionMode.Byte, OptionsOf(kind));

    public static NamedPipeClientStream Connect(string path, string kind)
    {
        NamedPipeClientStream pipe = new(".", Uri.UnescapeDataString(path), PipeDirection.Out, OptionsOf(kind));
        pipe.Connect();
        return pipe;
    }

    /// <summary>Runs one transfer for each pipe to its end.</summary>
    public static void Run(string kind, int count, Action<int> blocking, Func<int, Task> asynchronous)
    {
        if (kind is Blocking)
            InParallel.Run(count, blocking);
        else
            Task.WaitAll([.. Enumerable.Range(0, count).Select(i => Task.Run(() => asynchronous(i)))]);
    }

    private static PipeOptions OptionsOf(string kind) => kind is Asynchronous ? PipeOptions.Asynchronous : PipeOptions.None;
}
