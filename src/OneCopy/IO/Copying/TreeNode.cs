using System.Runtime.InteropServices;
using System.Text;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>
/// A directory of the tree that is being copied, open on both sides. It is finished, and gets its metadata, when nothing of it is left to do: making an entry in it
/// changes its times.
/// </summary>
internal sealed unsafe class TreeNode(TreeNode? parent, byte[] name)
{
    private int _pending = 1;

    public TreeNode? Parent => parent;

    /// <summary>Its name in its parent, with the 0 behind it.</summary>
    public byte[] Name => name;

    public int Source { get; set; } = -1;

    public int Destination { get; set; } = -1;

    public statx Status;

    /// <summary>Made by this copy.</summary>
    public bool IsNew { get; set; }

    /// <summary>The mode it had, if it was there.</summary>
    public uint ExistingMode { get; set; }

    /// <summary>What is made in it gets this process's group and no access control list.</summary>
    public bool IsPlain { get; set; }

    public ulong DestinationDevice { get; set; }

    public required string SourceText { get; init; }

    public required string DestinationText { get; init; }

    public CopyPath SourceOf(byte* entry) => new(Source, entry, SourceText);

    public CopyPath DestinationOf(byte* entry) => new(Destination, entry, DestinationText, DestinationDevice);

    /// <summary>A directory in it, not yet opened.</summary>
    public TreeNode Child(ReadOnlySpan<byte> entry)
    {
        string text = Encoding.UTF8.GetString(entry);
        Hold();
        return new TreeNode(this, Terminated(entry)) { SourceText = Path.Join(SourceText, text), DestinationText = Path.Join(DestinationText, text) };
    }

    /// <summary>One more thing to do before it is finished.</summary>
    public void Hold() => Interlocked.Increment(ref _pending);

    /// <summary>One thing less. True: it was the last one.</summary>
    public bool Release() => Interlocked.Decrement(ref _pending) == 0;

    public bool IsSame(in statx other) =>
        Status.stx_ino == other.stx_ino && Status.stx_dev_major == other.stx_dev_major && Status.stx_dev_minor == other.stx_dev_minor;

    /// <summary>An entry's path from the tree's root.</summary>
    public byte[] PathOf(ReadOnlySpan<byte> entry)
    {
        if (parent is null)
            return Terminated(entry);
        byte[] above = parent.PathOf(name.AsSpan(0, name.Length - 1));
        byte[] path = new byte[above.Length + entry.Length + 1];
        above.CopyTo(path, 0);
        path[above.Length - 1] = (byte)'/';
        entry.CopyTo(path.AsSpan(above.Length));
        return path;
    }

    public static byte[] Terminated(ReadOnlySpan<byte> entry)
    {
        byte[] bytes = new byte[entry.Length + 1];
        entry.CopyTo(bytes);
        return bytes;
    }

    public static ReadOnlySpan<byte> SpanOf(byte* entry) => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry);
}

/// <summary>Entries of one directory that one thread deals with in a row.</summary>
internal sealed unsafe class TreeBatch(TreeNode node)
{
    public const int Most = 64;

    private byte[] _names = new byte[2048];
    private int _length;

    public TreeNode Node => node;

    public int Count { get; private set; }

    /// <summary>A type of getdents64(2), the name, and 0.</summary>
    public void Add(byte type, ReadOnlySpan<byte> name)
    {
        if (_names.Length < _length + name.Length + 2)
            Array.Resize(ref _names, Math.Max(2 * _names.Length, _length + name.Length + 2));
        _names[_length++] = type;
        name.CopyTo(_names.AsSpan(_length));
        _length += name.Length;
        _names[_length++] = 0;
        Count++;
    }

    /// <summary>Where the entries are, and where they end.</summary>
    public Span<byte> Entries => _names.AsSpan(0, _length);
}
