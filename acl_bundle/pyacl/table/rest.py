"""What is there and answers as unsimulated: names by module, and of two modules families.

A name of a list of create functions answers 0, one of ``create_handle`` (0, ret), others ret.
"""

UNSIMULATED = {
    "rt": """
        reserve_mem_address release_mem_address malloc_physical free_physical map_mem unmap_mem
        mem_export_to_shareable_handle mem_export_to_shareable_handle_v2
        mem_import_from_shareable_handle mem_import_from_shareable_handle_v2
        mem_set_pid_to_shareable_handle mem_set_pid_to_shareable_handle_v2
        ipc_mem_get_export_key ipc_mem_close ipc_mem_import_by_key ipc_mem_set_import_pid
        ipc_get_event_handle ipc_open_event_handle
        create_notify destroy_notify record_notify wait_and_reset_notify get_notify_id
        notify_batch_reset notify_get_export_key notify_import_by_key notify_set_import_pid
        allocator_create_desc allocator_destroy_desc allocator_set_obj_to_desc
        allocator_set_alloc_func_to_desc allocator_set_free_func_to_desc
        allocator_set_alloc_advise_func_to_desc allocator_set_get_addr_from_block_func_to_desc
        allocator_register allocator_get_by_stream allocator_unregister
        mem_get_allocation_granularity create_binary destroy_binary register_cpu_func
        get_function_addr get_function_name
        binary_load binary_load_from_file binary_load_from_data binary_unload
        binary_get_function binary_get_function_by_entry binary_get_dev_address
        kernel_args_get_handle_mem_size kernel_args_get_mem_size kernel_args_init
        kernel_args_init_by_user_mem kernel_args_append kernel_args_append_place_holder
        kernel_args_get_place_holder_buffer kernel_args_para_update kernel_args_finalize
        launch_kernel launch_kernel_v2 launch_kernel_with_config launch_kernel_with_host_args
        set_stream_attribute get_stream_attribute
        get_device_res_limit set_device_res_limit reset_device_res_limit
        get_stream_res_limit set_stream_res_limit reset_stream_res_limit
        get_logic_dev_id_by_user_dev_id get_user_dev_id_by_logic_dev_id
        get_logic_dev_id_by_phy_dev_id get_phy_dev_id_by_logic_dev_id
        get_user_dev_id_by_phy_dev_id get_phy_dev_id_by_user_dev_id
        device_get_uuid get_devices_topo set_group get_group_count create_group_info
        destroy_group_info get_all_group_info get_group_info_detail get_mem_uce_info mem_uce_repair
    """,
    "op": """
        set_model_dir load execute execute_v2 execute_with_handle cast create_handle_for_cast
        create_attr destroy_attr set_attr_bool set_attr_int set_attr_float set_attr_string
        set_attr_list_bool set_attr_list_int set_attr_list_float set_attr_list_string
        set_attr_list_list_int set_attr_data_type set_attr_list_data_type create_handle
        destroy_handle start_dump_args stop_dump_args register_compile_func
        unregister_compile_func create_kernel set_kernel_args set_kernel_workspace_sizes
        update_params infer_shape set_max_op_queue_num
    """,
    "blas": """
        gemv_ex hgemv s8gemv gemm_ex hgemm s8gemm create_handle_for_gemv_ex
        create_handle_for_hgemv create_handle_for_s8gemv create_handle_for_gemm_ex
        create_handle_for_hgemm create_handle_for_s8gemm
    """,
    "fv": """
        create_init_para destory_init_para destroy_init_para set_1n_top_num set_nm_top_num init
        release repo_add repo_del create_feature_info destroy_feature_info create_repo_range
        destroy_repo_range delete modify create_query_table destroy_query_table
        create_search_input destroy_search_input create_search_result destroy_search_result search
    """,
}

FAMILIES = {
    "media": ("vdec_", "venc_"),
    "himpi": ("sys_", "dvpp_", "vdec_", "venc_", "vpc_", "pngd_", "png_"),
}
"""Modules of hundreds of names: every name that begins so is there."""
