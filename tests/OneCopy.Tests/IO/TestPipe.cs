using System.IO.Pipes;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Tests.IO;

/// <summary>Both ends of a pipe. Non-blocking ends are opened anew: that is a flag of the open file, not of the pipe.</summary>
internal sealed class TestPipe : IDisposable
{
    private readonly AnonymousPipeServerStream _stream = new(PipeDirection.In);

    public TestPipe(bool nonBlocking = false)
    {
        Reader = nonBlocking ? Reopen(_stream.SafePipeHandle, OpenFlags.O_RDONLY) : _stream.SafePipeHandle;
        Writer = nonBlocking ? Reopen(_stream.ClientSafePipeHandle, OpenFlags.O_WRONLY) : _stream.ClientSafePipeHandle;
        if (nonBlocking)
        {
            _stream.DisposeLocalCopyOfClientHandle();
            _stream.Dispose();
        }
    }

    public SafeHandle Reader { get; }

    public SafeHandle Writer { get; }

    public void Dispose()
    {
        Reader.Dispose();
        Writer.Dispose();
        _stream.Dispose();
    }

    private static SafeFileHandle Reopen(SafePipeHandle end, int flags) =>
        SafeFd.Open($"/proc/self/fd/{(int)end.DangerousGetHandle()}", flags | OpenFlags.O_NONBLOCK);
}
