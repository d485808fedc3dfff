using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>
/// Makes the loss of a mapped file something to read about in place of the end of the process. Touching a page of a shared mapping that the file
/// no longer has (somebody truncated it), or cannot be given (the file system is full under a hole), raises SIGBUS, which ends
/// a process. Here the rest of that mapping, from the page on, becomes private memory full of zeros, and the mapping is marked damaged.
/// The access is then made again and goes on, with zeros.
/// </summary>
/// <remarks>
/// The contract. Register a mapping before its first access, unregister it after its last one and before munmap(2): the handler replaces
/// what lies in a registered range. Whoever reads or writes looks at <see cref="GuardedMapping.IsDamaged"/> after what must not be done
/// with zeros, or on zeros: the thread that met the fault sees the mark at once, another one after its next full fence. A damaged
/// mapping stays damaged; what was written to its lost part is in no file.
/// <para>
/// The handler is machine code (BusErrorHandler.*.s): C# cannot run where the runtime was interrupted. It is given the table below, which
/// no handler waits for: a slot that is being changed (odd version) belongs to no mapping in use. A bus error elsewhere, one of failing memory
/// (BUS_MCEERR_AR) and one sent by kill(2) go to the handler that was there before, the runtime's. A child of fork(2) has a table of its own with
/// its memory; one of vfork(2) touches no mapping before exec. If two threads fault in one mapping at once, what one has just written to the zeros may be zero again.
/// </para>
/// </remarks>
internal static unsafe class MappingGuard
{
    private static readonly Lock s_gate = new();
    private static readonly Stack<nint> s_free = new();
    private static readonly Table* s_table = Install(out s_refusal);
    private static readonly string? s_refusal;

    /// <summary>Why there is no guard in this process (it may not make memory executable, say); null: there is one.</summary>
    public static string? Refusal => s_refusal;

    /// <summary>Whether any mapping of this process was ever damaged: one volatile read, for paths that are hot.</summary>
    public static bool HasFaulted => s_table is not null && Volatile.Read(ref s_table->Faulted) != 0;

    /// <summary>Guards a mapping of whole pages. Without a guard, or with all slots in use: not guarded, and never damaged.</summary>
    public static GuardedMapping Register(nint address, long length, Prot prot)
    {
        if (s_table is null)
            return default;
        lock (s_gate)
        {
            Slot* slot = s_free.TryPop(out nint free) ? (Slot*)free
                : s_table->Used < Table.MaxSlots ? s_table->Slots + s_table->Used : null;
            if (slot is null)
                return default;
            Interlocked.Increment(ref slot->Version); // Odd; full fences here and below keep the changes between the two.
            slot->Start = address;
            slot->End = address + (nint)((length + Environment.SystemPageSize - 1) & -Environment.SystemPageSize);
            slot->Prot = (int)prot;
            slot->Damaged = 0;
            Interlocked.Increment(ref slot->Version);
            if (slot == s_table->Slots + s_table->Used)
                Volatile.Write(ref s_table->Used, s_table->Used + 1);
            return new GuardedMapping((nint)slot);
        }
    }

    /// <summary>After the last access, and before the memory is unmapped.</summary>
    public static void Unregister(GuardedMapping mapping)
    {
        if (mapping.Slot == 0)
            return;
        Slot* slot = (Slot*)mapping.Slot;
        lock (s_gate)
        {
            Interlocked.Increment(ref slot->Version);
            slot->Start = 0;
            slot->End = 0;
            Interlocked.Increment(ref slot->Version);
            s_free.Push(mapping.Slot);
        }
    }

    /// <summary>Pages of the mapping get a protection that it did not have: the zeros in their place must allow what they allow.</summary>
    public static void Widen(GuardedMapping mapping, Prot prot)
    {
        if (mapping.Slot != 0)
            Interlocked.Or(ref ((Slot*)mapping.Slot)->Prot, (int)prot);
    }

    /// <summary>
    /// The mapping is longer now, and mapped up to there already. One store of one word: a handler that runs meanwhile finds the slot, with
    /// the old end or with the new one.
    /// </summary>
    public static void Extend(GuardedMapping mapping, long length)
    {
        if (mapping.Slot == 0)
            return;
        Slot* slot = (Slot*)mapping.Slot;
        Volatile.Write(ref slot->End, slot->Start + (nint)length);
    }

    /// <summary>Marks a mapping as the handler does: somebody found out in another way that its file was truncated.</summary>
    public static void MarkDamaged(GuardedMapping mapping)
    {
        if (mapping.Slot == 0)
            return;
        Volatile.Write(ref DamagedOf(mapping.Slot), 1);
        Volatile.Write(ref s_table->Faulted, 1); // Release: after the mark itself.
    }

    internal static ref uint DamagedOf(nint slot) => ref ((Slot*)slot)->Damaged;

    // Both stay as long as the process: a handler cannot be taken back from under those that are running it.
    private static Table* Install(out string? refusal)
    {
        ReadOnlySpan<byte> code = BusErrorCode.Current;
        if (code.IsEmpty)
        {
            refusal = "there is no handler for this processor";
            return null;
        }

        SysResult memory = Mman.mmap(0, (nuint)sizeof(Table), Prot.Read | Prot.Write, Map.Private | Map.Anonymous | Map.NoReserve, -1, 0);
        if (!memory.Succeeded)
        {
            refusal = "there is no memory for it (mmap)";
            return null;
        }

        Table* table = (Table*)memory.Value;
        Span<byte> withTable = [.. code];
        MemoryMarshal.Write(withTable[^sizeof(nint)..], (nint)table);
        SysResult loaded = MachineCode.Load(withTable);
        if (!loaded.Succeeded || !Signal.Get(Signal.SIGBUS, out sigaction before).Succeeded)
        {
            refusal = $"memory cannot be made executable (mmap, mprotect: {Errno.NameOf(loaded.Errno)})";
            if (loaded.Succeeded)
                Mman.munmap(loaded.Value, (nuint)code.Length);
            Mman.munmap(memory.Value, (nuint)sizeof(Table));
            return null;
        }

        table->Previous = before.sa_handler;
        table->PageMask = -Environment.SystemPageSize;
        table->PageSize = Environment.SystemPageSize;

        // The mask, and the stack, that the handler before asked for: it is run by ours.
        sigaction ours = before;
        ours.sa_handler = loaded.Value;
        ours.sa_flags = Signal.SA_SIGINFO | Signal.SA_RESTART | (before.sa_flags & Signal.SA_ONSTACK);
        Signal.Set(Signal.SIGBUS, ours, out before);
        table->Previous = before.sa_handler;
        refusal = null;
        return table;
    }

    /// <summary>As the machine code knows it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = SlotsOffset + (MaxSlots * SlotSize))]
    private struct Table
    {
        /// <summary>Enough for eight handles with a thousand peers each; 1 MiB of address space, of memory what is used.</summary>
        public const int MaxSlots = 32768;
        private const int SlotsOffset = 64;
        private const int SlotSize = 32;

        [FieldOffset(0)]
        public nint Previous;

        [FieldOffset(8)]
        public int Used;

        [FieldOffset(12)]
        public uint Faulted;

        [FieldOffset(16)]
        public long PageMask;

        [FieldOffset(24)]
        public long PageSize;

        // 32 to 63 stay zero: the kernel's struct sigaction that says SIG_DFL.
        [FieldOffset(SlotsOffset)]
        private Slot _first;

        public Slot* Slots => (Slot*)Unsafe.AsPointer(ref _first);
    }

    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct Slot
    {
        [FieldOffset(0)]
        public nint Start;

        [FieldOffset(8)]
        public nint End;

        [FieldOffset(16)]
        public uint Version;

        [FieldOffset(20)]
        public uint Damaged;

        [FieldOffset(24)]
        public int Prot;
    }
}

/// <summary>A registered mapping. Not to be asked after it was unregistered: its slot may be another's then.</summary>
internal readonly struct GuardedMapping(nint slot)
{
    public nint Slot => slot;

    /// <summary>Whether pages of the file were found missing, and zeros put in their place. One volatile read.</summary>
    public bool IsDamaged => slot != 0 && Volatile.Read(ref MappingGuard.DamagedOf(slot)) != 0;
}
