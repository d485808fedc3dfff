using System.Buffers.Binary;
using System.Security.Cryptography;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Demo;

/// <summary>
/// A producer's share of a wave, in memory. In front of each file lies its <see cref="Header"/>, so that a pipe gets header and content in
/// one write, without a copy.
/// </summary>
internal sealed class LoadedFiles : IDisposable
{
    public const int Header = 12;
    private const int Alignment = 64;

    private readonly Slab _slab;

    public LoadedFiles(IReadOnlyList<DemoFile> share)
    {
        _slab = new Slab(share.Sum(f => (long)Header + f.Length + Alignment));
        long at = 0;
        foreach (DemoFile file in share)
        {
            // The content is aligned as the allocator of any program aligns it.
            long content = ((at + Header + Alignment - 1) / Alignment) * Alignment;
            int length = Read(file, _slab.Span(content, file.Length));
            WriteHeader(_slab.Span(content - Header, Header), file.Id, length);
            Span<byte> bytes = _slab.Span(content, length);
            Files.Add(new LoadedFile(file.Id, _slab.Memory(content, length), _slab.Memory(content - Header, Header + length), Convert.ToHexString(SHA256.HashData(bytes))));
            at = content + length;
        }
    }

    public List<LoadedFile> Files { get; } = [];

    public static (int Id, int Length) ReadHeader(ReadOnlySpan<byte> header) =>
        (BinaryPrimitives.ReadInt32LittleEndian(header), BinaryPrimitives.ReadInt32LittleEndian(header[4..]));

    public void Dispose() => _slab.Dispose();

    private static void WriteHeader(Span<byte> header, int id, int length)
    {
        header.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(header, id);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], length);
    }

    // A file that has grown since it was listed is sent as far as it was listed; one that shrank, as it is.
    private static int Read(DemoFile file, Span<byte> destination)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(file.Path);
        int length = 0;
        while (length < destination.Length && RandomAccess.Read(handle, destination[length..], length) is > 0 and int n)
            length += n;
        return length;
    }
}

/// <summary>A file in a producer's memory.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Content">Its bytes.</param>
/// <param name="Framed">The same with the header in front.</param>
/// <param name="Hash">SHA-256, hexadecimal.</param>
internal sealed record LoadedFile(int Id, ReadOnlyMemory<byte> Content, ReadOnlyMemory<byte> Framed, string Hash)
{
    /// <summary>How it goes through the queue: its number is the message's id.</summary>
    public SendOptions Options { get; } = new() { Properties = new MessageProperties { MessageId = $"{Id}" } };
}
