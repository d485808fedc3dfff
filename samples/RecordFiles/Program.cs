using RecordFiles;

// A file of records: written, read in place, copied.
if (args is not [string path])
{
    Console.Error.WriteLine("Usage: RecordFiles FILE    (writes FILE and FILE.copy)");
    return 2;
}

using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
{
    for (int i = 0; i < 1000; i++)
        Records.Append(file, new byte[i]);
}

Console.WriteLine(Records.Count(path));
Console.WriteLine(Records.Backup(path, path + ".copy"));
return 0;
