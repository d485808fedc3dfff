using System.Buffers;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Files;

/// <summary>
/// A file's pages as memory, for a receiver to copy out of: they are not read into a buffer first. Should the file be cut short
/// meanwhile, the receiver's copy fails (process_vm_readv(2) says EFAULT); nobody is killed by it.
/// </summary>
internal sealed unsafe class MappedSource : IDisposable
{
    // A Memory<byte> holds less than 2 GiB.
    private const long PieceLength = 1L << 30;

    private readonly nint _start;
    private readonly long _length;

    public MappedSource(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        _length = RandomAccess.GetLength(file);
        _start = Mman.mmap(0, (nuint)_length, Prot.Read, Map.Shared, (int)file.DangerousGetHandle(), 0).OrThrow("mmap", path);
        Content = Sequence();
    }

    public ReadOnlySequence<byte> Content { get; }

    public void Dispose() => Mman.munmap(_start, (nuint)_length);

    private ReadOnlySequence<byte> Sequence()
    {
        Piece first = new(PieceAt(0), 0);
        Piece last = first;
        for (long at = first.Memory.Length; at < _length; at += last.Memory.Length)
            last = last.Append(PieceAt(at), at);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private Memory<byte> PieceAt(long offset) => new NativePiece((byte*)_start + offset, (int)Math.Min(PieceLength, _length - offset)).Memory;

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long at)
        {
            Memory = memory;
            RunningIndex = at;
        }

        public Piece Append(ReadOnlyMemory<byte> memory, long at)
        {
            Piece next = new(memory, at);
            Next = next;
            return next;
        }
    }
}
