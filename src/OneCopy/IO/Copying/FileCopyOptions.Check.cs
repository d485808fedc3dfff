namespace OneCopy;

/// <content>What cannot be meant.</content>
public sealed partial record FileCopyOptions
{
    private const long MostBytes = 1L << 30;

    internal int Threads => Parallelism == 0 ? Environment.ProcessorCount : Parallelism;

    internal void Check()
    {
        Defined(Engine, nameof(Engine));
        Defined(Sparse, nameof(Sparse));
        Defined(Existing, nameof(Existing));
        Defined(Durability, nameof(Durability));
        Defined(Links, nameof(Links));
        if ((Preserve & ~FileMetadata.All) != FileMetadata.None)
            throw new ArgumentOutOfRangeException(nameof(Preserve), Preserve, "Not a flag of FileMetadata.");
        InRange(WindowLength, 1, 1L << 40, nameof(WindowLength));
        InRange(BufferLength, 1, MostBytes, nameof(BufferLength));
        InRange(BufferCount, 1, 1 << 16, nameof(BufferCount));
        InRange(BufferLength * BufferCount, 1, 16 * MostBytes, nameof(BufferCount));
        InRange(Parallelism, 0, 1024, nameof(Parallelism));
        if (Sparse == SparseMode.Always && Engine is not (CopyEngine.Auto or CopyEngine.ReadWrite))
            throw new ArgumentException($"SparseMode.Always looks at every byte: Auto and ReadWrite can, {Engine} does not.", nameof(Sparse));
        if (Sparse == SparseMode.Never && Engine == CopyEngine.Clone)
            throw new ArgumentException("A clone has the holes of its source: SparseMode.Never is not possible with it.", nameof(Sparse));
    }

    private static void Defined<T>(T value, string name)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(name, value, null);
    }

    private static void InRange(long value, long least, long most, string name)
    {
        if (value < least || value > most)
            throw new ArgumentOutOfRangeException(name, value, $"From {least} to {most}.");
    }
}
